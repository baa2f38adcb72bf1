"""Run in a process of its own, without run-time checked annotations: 300 changes of a kind.

Every one is accepted as the value that it says, or refused by an error of the package: never another one. Prints one
line of JSON: how many of each kind were accepted and how many refused.
"""

import collections
import datetime
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmtbayes import tables
from lmtbayes._files import read_netcdf, write_netcdf
from lmtbayes.errors import LmtbayesError
from lmtbayes.inference.posterior.checkpoint import Checkpoint
from lmtbayes.jobs.compare import Comparing
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study

warnings.simplefilter("ignore")
EXAMPLES = settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
FIT = FitSettings(("na64mu", "ess:mass_ton=2"), mass=(2.0, 500.0))
BASES = (FIT, Study("toys", FitSettings(("na64mu",), mixing="paper", mass=(2.0, 500.0)), size=22), Comparing(FIT))
counts = collections.defaultdict(collections.Counter)

AWKWARD = st.sampled_from(
    [
        7, 60, "paper", "lmu", "-0.5", "toys", ["ess"], ["na64mu:muons_on_target=1e12"], [3, 400], [1e-5, 1e-2], "BP3",
        None, True, False, 0, -1, 1.5, 1e308, -0.0, 10**30, 2**63, 2**64, 10**5000, [], {}, "", "none", "free", "BP1",
        "BP5", [1, 2], [2.0, 500.0], [500.0, 2.0], [1e-300, 1e300], [1.0, 1.0], [True, 5.0], ["1", "2"], [[1, 2]],
        [10**400, 10**401], {"na64mu": 1}, ["na64mu"], ["na64mu", "na64mu"], ["na64mu:name=../../../evil"],
        ["na64mu:name=a:name=b"], ["na64mu:muons_on_target=[[[["], ["na64mu:"], [":"], [""], ["na64mu:nme=1"], [None],
        "1e400", "1_0", "\u0661\u0665", "g_x=5e-4,mass=15,mass=16", "g_x=1_0,mass=15", "g_x=5e-4,mass=1e300",
        "g_x=nan,mass=1", "x" * 10**5, "\ud800",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


class Deep:
    """Stands for lists in lists, which nothing can print."""

    def made(self, depth=5000):
        found = []
        for _ in range(depth):
            found = [found]
        return found


OBJECTS = AWKWARD | st.sampled_from(
    [
        np.nan, np.inf, 1j, b"na64mu", {1, 2}, object(), lambda: 1, np.array([1.0, 2.0]), np.array(3), np.int64(7),
        np.float64(3.0), np.array(["a", "b"]), datetime.date(2026, 1, 1), range(3), Deep(), (2.0, 500.0), [np.nan, 1.0],
        float("1e400"), np.datetime64("2026"), type, FIT, ("ess", "na64mu"), np.array([[1.0, 2.0]]),
    ]
)  # fmt: skip


def said(told, stored):
    """Whether stored settings are what a file says; None stands for a default."""
    if told is None:
        return True
    if isinstance(told, dict):
        return isinstance(stored, dict) and all(name in stored and said(told[name], stored[name]) for name in told)
    if isinstance(told, list | tuple):
        return isinstance(stored, list) and len(told) == len(stored) and all(map(said, told, stored))
    return isinstance(told, bool) == isinstance(stored, bool) and told == stored


def outcome(kind, call, told=None):
    try:
        stored = call()
    except LmtbayesError as error:
        sentence = str(error)
    else:
        sentence = ""
    if sentence:
        assert len(sentence) < 5000, sentence[:500]
        counts[kind]["refused"] += 1
        return
    assert said(told, stored), (told, stored)
    counts[kind]["accepted"] += 1


@EXAMPLES
@given(base=st.sampled_from(BASES), data=st.data(), value=AWKWARD | JSON)
def values_of_files(path, base, data, value):
    told = json.loads(json.dumps(base.to_dict()))
    place = told["fit"] if "fit" in told and data.draw(st.booleans()) else told
    name = data.draw(st.sampled_from([*place, "unknown", "Seed"]))
    sys.set_int_max_str_digits(0)
    place[name] = value
    text = json.dumps(told)
    sys.set_int_max_str_digits(4300)
    path.write_text(text, encoding="utf-8")
    outcome("values of a settings file", lambda: type(base).from_file(path).to_dict(), told)


@EXAMPLES
@given(base=st.sampled_from(BASES), data=st.data())
def texts_of_files(path, base, data):
    text = json.dumps(base.to_dict(), indent=2)
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    if data.draw(st.booleans()):
        end = min(begin + 3, end)
    lines = text.splitlines(keepends=True)
    pieces = [
        "",
        "[" * 100_000,
        "NaN",
        "-Infinity",
        "\ufeff",
        "\0",
        '"seed": 3, ',
        "1e999",
        *lines[1:-1],
        text[begin:end] * 2,
    ]
    text = text[:begin] + data.draw(st.sampled_from(pieces) | st.text(max_size=4)) + text[end:]
    path.write_text(text, encoding="utf-8", errors="surrogatepass")

    def read():
        stored = type(base).from_file(path).to_dict()
        assert said(json.loads(text), stored), text
        return stored

    outcome("texts of a settings file", read)


@EXAMPLES
@given(
    kind=st.sampled_from([FitSettings, Study, Comparing]),
    given=st.dictionaries(
        st.sampled_from(
            [*FIT.to_dict(), "task", "fit", "size", "chunk", "nuisances", "method", "relative_to", "mixings"]
        ),
        OBJECTS,
        min_size=1,
        max_size=2,
    ),
)
def arguments(kind, given):
    if kind is Study:
        given = {"task": "toys"} | given
    given = {name: value.made() if isinstance(value, Deep) else value for name, value in given.items()}
    outcome("arguments of settings", lambda: kind(**given).to_dict())


@EXAMPLES
@given(kind=st.sampled_from([FitSettings, Study, Comparing]), given=OBJECTS | JSON)
def mappings(kind, given):
    given = given.made() if isinstance(given, Deep) else given
    outcome("in place of settings", lambda: kind.from_dict(given).to_dict())


TABLE = "# mass and a limit\n# a second line\nmass_mev,g_x\n1.0,3e-4\n10,4.5e-4\n100.0,1e-3\n"


@EXAMPLES
@given(data=st.data())
def csv_tables(path, data):
    content = bytearray(TABLE.encode())
    place, kind = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 3))
    junk = st.sampled_from(
        [b",", b"\n", b"#", b"\xff", b"\xef\xbb\xbf", b"\0", b"nan", b'"', b";", b"_", b"e", b"-", b" "]
    )
    if kind == 0:
        content[place:place] = data.draw(junk | st.binary(max_size=3))
    elif kind == 1:
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == 2:
        del content[place : place + data.draw(st.integers(1, 12))]
    else:
        lines = content.splitlines(keepends=True)
        lines.insert(data.draw(st.integers(0, len(lines))), data.draw(st.sampled_from(lines)))
        content = b"".join(lines)
    path.write_bytes(content)

    def read():
        columns = tables.read_csv(path)
        text = path.read_text(encoding="utf-8-sig")
        if '"' in text:
            return
        lines = [line for line in text.split("\n") if line.strip() and line.lstrip()[0] not in "#%"]
        mark = "," if "," in lines[0] else ";"
        head, *rows = ([entry.strip() for entry in line.split(mark)] for line in lines)
        assert list(columns) == head or not rows, text
        for column, entries in zip(columns.values(), zip(*rows, strict=True), strict=True):
            if column.dtype.kind == "f":
                assert [float(entry.replace(",", ".")) for entry in entries] == column.tolist() or "nan" in text, text
            else:
                assert [str(entry).strip() for entry in column] == [*entries], text

    outcome("CSV tables", read)


DAMAGE = {"place": st.floats(0.0, 1.0, exclude_max=True), "bit": st.integers(0, 7), "cut": st.booleans()}
DATA = xr.Dataset({"q": ("toy", np.linspace(0.0, 4.0, 40))}, {"toy": np.arange(40)}, {"study": "one"})
ARRAYS = {"state_0": np.arange(12.0).reshape(3, 4), "done": np.array(7)}


def damaged(content, place, bit, cut):
    """Bytes of which one bit is another, or from that place on nothing is left."""
    where = int(place * len(content))
    flipped = bytes([content[where] ^ 1 << bit])
    return content[:where] if cut else content[:where] + flipped + content[where + 1 :]


@EXAMPLES
@given(**DAMAGE)
def chunks(path, whole, place, bit, cut):
    path.write_bytes(damaged(whole, place, bit, cut))
    with pytest.raises(ValueError, match=r"its seal is missing|it has changed since it was written"):
        read_netcdf(path)
    counts["chunks of studies"]["refused"] += 1


@EXAMPLES
@given(**DAMAGE)
def checkpoints(kept, whole, place, bit, cut):
    kept.path.write_bytes(damaged(whole, place, bit, cut))

    def same():
        # Bits that no reader looks at, as times of a zip archive.
        for name, array in kept.load().items():
            np.testing.assert_array_equal(array, ARRAYS[name])

    outcome("checkpoints", same)


def main(folder):
    values_of_files(folder / "settings.json")
    texts_of_files(folder / "settings.json")
    arguments()
    mappings()
    csv_tables(folder / "table.csv")
    write_netcdf(folder / "chunk.nc", DATA)
    chunks(folder / "chunk.nc", (folder / "chunk.nc").read_bytes())
    kept = Checkpoint(folder / "chains.npz", "this run", {"seed": 1})
    kept.save(ARRAYS)
    checkpoints(kept, kept.path.read_bytes())
    print(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
