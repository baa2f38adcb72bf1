"""A HEPData submission: tables as YAML with an index, and all of it as the archive that is uploaded."""

import shutil
import tarfile
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lmtbayes import _checks
from lmtbayes._files import whole
from lmtbayes.errors import InvalidArgument, MissingDependency
from lmtbayes.export.tables import Column, Table

ARCHIVE, INDEX = "submission.tar.gz", "submission.yaml"
DIGITS = 8


def hepdata_submission(tables: Sequence[Table], folder: str | Path, comment: str = "") -> Path:
    """Write a HEPData submission, checked by HEPData's own validator.

    Parameters
    ----------
    tables
        Of `limit_table`, `contour_tables`, `profile_table` or `posterior_tables`; different names.
    folder
        Gets submission.yaml, one YAML file a table and submission.tar.gz, which holds them.
    comment
        On the whole submission: an abstract.

    Returns
    -------
    archive
        What is uploaded.

    Raises
    ------
    InvalidArgument
        No tables, a name twice, a folder with another submission, or what the validator refuses.
    MissingDependency
        Without the extra `export`.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            import hepdata_lib
            from hepdata_validator.full_submission_validator import FullSubmissionValidator
    except ImportError:
        raise MissingDependency("a HEPData submission needs hepdata_lib: pip install 'lmtbayes[export]'") from None
    titles = [table.title for table in tables]
    if not tables or len(set(titles)) < len(titles):
        raise _checks.invalid("tables", titles, "at least one table, and different titles")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise _checks.invalid("folder", str(folder), "a folder that is empty or not there")
    with tempfile.TemporaryDirectory() as given:
        draft = Path(given)
        head: dict[str, Any] = {
            "comment": comment or "; ".join(dict.fromkeys(table.lines[0] for table in tables if table.lines)),
            "data_license": hepdata_lib.Submission.get_license(),
            "additional_resources": hepdata_lib.Submission().additional_resources,
        }
        (draft / INDEX).write_text(yaml.safe_dump(head, explicit_start=True), encoding="utf-8")
        for table in tables:
            _described(hepdata_lib, table).write_yaml(str(draft))
        validator = FullSubmissionValidator()
        with warnings.catch_warnings(action="ignore"):  # it leaves its files to be closed by Python
            accepted = validator.validate(directory=str(draft))
        if not accepted:
            found = [str(message) for messages in validator.get_messages().values() for message in messages]
            raise InvalidArgument(f"`tables` must make a submission that HEPData's validator accepts; it says: {found}")
        folder.mkdir(parents=True, exist_ok=True)
        files = sorted(path for path in draft.iterdir() if path.suffix == ".yaml")
        with whole(folder / ARCHIVE) as temporary, tarfile.open(temporary, "w:gz") as archive:
            for path in files:
                archive.add(path, arcname=path.name)
        for path in files:
            with whole(folder / path.name) as temporary:
                shutil.copyfile(path, temporary)
    return folder / ARCHIVE


def _described(library: Any, table: Table) -> Any:
    """The table as one of hepdata_lib."""
    made = library.Table(table.title)
    made.description = " ".join(line.rstrip(".") + "." for line in table.lines if line) or table.title
    made.location = "made by lmtbayes"
    made.keywords = {"phrases": ["Lmu-Ltau", "hidden photon", "Upper limit" if "limit" in table.name else "Likelihood"]}
    for column in table.columns:
        made.add_variable(_variable(library, column))
    return made


def _variable(library: Any, column: Column) -> Any:
    binned = column.values.ndim == 2
    made = library.Variable(column.title, is_independent=not column.measured, is_binned=binned, units=column.unit)
    made.digits = DIGITS
    made.values = [_plain(row) for row in column.values]
    for key, value in (column.qualifiers or {}).items():
        made.add_qualifier(key, value)
    return made


def _plain(entry: Any) -> Any:
    """A number, a word, or the ends of a bin; "-" where there is no number."""
    if isinstance(entry, np.ndarray):
        return tuple(float(x) for x in entry)
    if isinstance(entry, str):
        return str(entry)
    return float(entry) if np.isfinite(entry) else "-"
