"""Files from hepdata.net: one table in every dress is one limit; what a file does not say is asked for in a sentence.

The layouts are those that HEPData's converter writes (its repository's csv_writer.py and the files of its test suite:
repeated blocks, descriptions over several lines, bins, uncertainties, qualifiers); the numbers are made up.
"""

import codecs
import csv
import io
import tarfile
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.hepdata import read_limit
from lmtbayes.experiments.hepdata_files import header

MASSES = np.array([212.0, 500.0, 1250.0, 9000.0])  # MeV
LIMITS = np.array([1.5e-3, 8e-4, 9.25e-4, 0.25])
EXPECTED = 1.25 * LIMITS
UNITS = {"MeV": 1.0, "MEV": 1.0, "GeV": 1e-3, "GEV": 1e-3, "$\\mathrm{GeV}/c^{2}$": 1e-3, "GeV/c^2": 1e-3, "TeV": 1e-6}
META = """#: table_doi: 10.17182/hepdata.00000.v1/t{number}
#: name: {name}
#: description: Upper limits at 90% C.L., by method.  The second one,
with a line of its own, and a comma.
#: data_file: data{number}.yaml
#: data_license: cc0 https://creativecommons.org/publicdomain/zero/1.0/ CC0
#: keyword reactions: E+ E- --> MU+ MU- Z'
#: keyword observables: CLS
#: keyword phrases:{blank}
#: keyword cmenergies: 10.58
"""


def as_csv(columns, unit="GeV", separator=",", comma=False, bins=False, missing=False, packed=False, name="Figure 3"):
    """A file as downloaded: `columns` of header to values; `packed` puts them into one block."""
    text = io.StringIO()
    text.write(META.format(number=1, name=name, blank=" "))
    groups = [list(columns.items())] if packed else [[column] for column in columns.items()]
    x = "$m_{Z'}$" + f" [{unit}]"
    for group in groups:
        heads = [x, f"{x} LOW", f"{x} HIGH"] if bins else [x]
        rows = [[m, 0.9 * m, 1.1 * m] if bins else [m] for m in MASSES * UNITS[unit]]
        for head, values in group:
            heads += [head, "sys,theory +", "sys,theory -"]
            rows = [[*row, value, 0.1, -0.1] for row, value in zip(rows, values, strict=True)]
        if missing:
            rows.insert(1, [2.0 * rows[0][0], *["-"] * (len(heads) - 1)])
        rows = [[str(entry).replace(".", ",") if comma else str(entry) for entry in row] for row in rows]
        text.write(separator.join(["#: SQRT(S) [GeV]", *[""] * (len(heads) - 4), "10.58", "", ""]) + "\n")
        csv.writer(text, delimiter=separator, lineterminator="\n").writerows([heads, *rows])
        text.write("\n")
    return text.getvalue()


def as_yaml(columns, unit="GeV", bins=False, missing=False, texts=False):
    """A file as downloaded; `texts` has numbers as strings, as some records do."""
    masses = [float(m) for m in MASSES * UNITS[unit]]
    x = [{"low": 0.75 * m, "high": 1.25 * m} if bins else {"value": str(m) if texts else m} for m in masses]
    ys = {
        head: [{"value": str(v) if texts else float(v), "errors": [{"symerror": 0.1}]} for v in values]
        for head, values in columns.items()
    }
    if missing:
        x.insert(1, x[0])
        ys = {head: [values[0], {"value": "-"}, *values[1:]] for head, values in ys.items()}
    said = [{"name": "SQRT(S)", "units": "GeV", "value": 10.58}]
    table = {
        "dependent_variables": [{"header": {"name": h}, "qualifiers": said, "values": v} for h, v in ys.items()],
        "independent_variables": [{"header": {"name": "$m_{Z'}$", "units": unit}, "values": x}],
    }
    return yaml.safe_dump(table, allow_unicode=True)


def encoded(text, encoding, newline):
    text = text.replace("\n", newline)
    if encoding == "utf-16":
        return codecs.BOM_UTF16_LE + text.encode("utf-16-le")
    return text.encode(encoding)


ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])


@settings(deadline=None, max_examples=60)
@given(
    unit=st.sampled_from(list(UNITS)),
    encoding=ENCODINGS,
    newline=NEWLINES,
    separator=st.sampled_from([(",", False), (";", False), (";", True), ("\t", False), ("\t", True)]),
    bins=st.booleans(),
    missing=st.booleans(),
    packed=st.booleans(),
    squared=st.booleans(),
)
def test_one_csv_table_in_every_dress_is_one_limit(
    tmp_path_factory, unit, encoding, newline, separator, bins, missing, packed, squared
):
    path = tmp_path_factory.getbasetemp() / "table.csv"
    heads = ("$g'^{2}$ observed, 90 % CL", "g'^2 expected") if squared else ("$g'$ observed, 90 % CL", "g' expected")
    power = 2 if squared else 1
    columns = {heads[0]: LIMITS**power, heads[1]: EXPECTED**power}
    text = as_csv(columns, unit, *separator, bins=bins, missing=missing, packed=packed)
    path.write_bytes(encoded(text, encoding, newline))
    for column, limits in (("observed", LIMITS), (2, EXPECTED)):
        found = read_limit(path, column=column, cl=0.9)
        np.testing.assert_allclose(found, (MASSES, limits), rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    unit=st.sampled_from(list(UNITS)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    newline=NEWLINES,
    bins=st.booleans(),
    missing=st.booleans(),
    texts=st.booleans(),
)
def test_one_yaml_table_in_every_dress_is_one_limit(tmp_path_factory, unit, encoding, newline, bins, missing, texts):
    path = tmp_path_factory.getbasetemp() / "table.yaml"
    columns = {"g' observed": LIMITS, "g' expected": EXPECTED}
    path.write_bytes(encoded(as_yaml(columns, unit, bins, missing, texts), encoding, newline))
    for column, limits in (("OBS", LIMITS), (2, EXPECTED)):
        np.testing.assert_allclose(read_limit(path, column=column), (MASSES, limits), rtol=1e-12)


def test_a_downloaded_limit_is_the_limit_of_its_arrays(tmp_path):
    path = tmp_path / "HEPData-ins0000000-v1-Figure_3.csv"
    path.write_text(as_csv({"$g'$": LIMITS}))
    photon = lmt.HiddenPhoton(1.5e-3, jnp.geomspace(100.0, 2e4, 30), 0.0)
    from_file = lmt.published_limit("mine", hepdata=path, channel="mu", citation="Somebody")
    from_arrays = lmt.published_limit("mine", (MASSES, LIMITS), channel="mu", citation="Somebody")
    np.testing.assert_allclose(from_file.expected(lmt.LMU, photon), from_arrays.expected(lmt.LMU, photon), rtol=1e-12)
    assert from_file.status == "approximate"


def test_several_tables_in_one_file(tmp_path):
    path = tmp_path / "both.csv"
    second = as_csv({"$g'$": EXPECTED}, name="Figure 4").replace("/t1", "/t2")
    path.write_text(as_csv({"$g'$": LIMITS}) + "\n" + second)
    for table, limits in (("Figure 3", LIMITS), ("4", EXPECTED)):
        np.testing.assert_allclose(read_limit(path, table=table), (MASSES, limits), rtol=1e-12)
    with pytest.raises(InvalidArgument, match=r"`table` must say which table of both.csv: 'Figure 3', 'Figure 4'"):
        read_limit(path)
    with pytest.raises(
        InvalidArgument, match=r"`table` must be one of 'Figure 3', 'Figure 4' in both.csv; got 'Figure'"
    ):
        read_limit(path, table="Figure")
    path = tmp_path / "both.yaml"
    documents = [f"name: Table {k}\n" + as_yaml({"g'": values}) for k, values in enumerate((LIMITS, EXPECTED))]
    path.write_text("comment: a record\n---\n" + "---\n".join(documents))
    np.testing.assert_allclose(read_limit(path, table="Table 1"), (MASSES, EXPECTED), rtol=1e-12)


def test_several_columns_are_listed(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(as_csv({"$g'$ observed": LIMITS, "$g'$ expected": EXPECTED}))
    listed = r"1: \"\$g'\$ observed \(SQRT\(S\) \[GeV\]: 10.58\)\", 2: \"\$g'\$ expected"
    with pytest.raises(
        InvalidArgument, match=r"`column` must say which column of t.csv, a number or a name: " + listed
    ):
        read_limit(path)
    for column in ("g'", "median", 0, 3, True):
        with pytest.raises(InvalidArgument, match=r"`column` must be a number or a name in t.csv: 1: .*; got"):
            read_limit(path, column=column)


@pytest.mark.parametrize(
    ("name", "is_square"),
    [
        ("g'", False),
        ("$g_{Z'}$", False),
        ("Observed limit on $g_{X}$ (90% CL)", False),
        ("Coupling, expected +1 sigma", False),
        ("$g_{L_{\\mu}-L_{\\tau}}$", False),
        ("gX", False),
        ("g_{X}^2", True),
        ("$(g')^{2}$", True),
        ("$g^{\\prime 2}$", True),
        ("$|g'|^{2}$ limit", True),
        ("G**2", True),
        ("g²", True),
        ("coupling squared", True),
    ],
)
def test_a_squared_coupling_is_told_by_its_name(tmp_path, name, is_square):
    path = tmp_path / "t.yaml"
    path.write_text(as_yaml({name: LIMITS}), encoding="utf-8")
    np.testing.assert_allclose(read_limit(path)[1], np.sqrt(LIMITS) if is_square else LIMITS, rtol=1e-12)


def test_what_the_name_does_not_say_is_said_by_squared(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(as_yaml({"Observed": LIMITS}))
    np.testing.assert_allclose(read_limit(path, squared=False)[1], LIMITS, rtol=1e-12)
    np.testing.assert_allclose(read_limit(path, squared=True)[1], np.sqrt(LIMITS), rtol=1e-12)
    with pytest.raises(InvalidArgument, match=r"named after a coupling, .*; got 'Observed': give `squared`=False if"):
        read_limit(path)
    path.write_text(as_yaml({"g'^2": LIMITS}))
    with pytest.raises(
        InvalidArgument, match=r"`squared` must be True or left out: the column is \"g'\^2\"; got False"
    ):
        read_limit(path, squared=False)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("$\\varepsilon^2$", "a kinetic mixing, which is no gauge coupling"),
        ("ε", "a kinetic mixing"),
        ("log10(g')", "a logarithm"),
        ("$\\sigma(e^+e^- \\to Z')$", "a cross section"),
        ("$\\mathcal{B}(Z' \\to \\mu\\mu)$", "a branching fraction"),
        ("BR", "a branching fraction"),
        ("$g_{Z'}/M_{Z'}$", "a ratio or a product"),
        ("$g'\\times\\sqrt{BR}$", "a branching fraction"),
        ("inverse coupling", "a ratio or a product"),
        ("$g'^{4}$", "a power that is neither one nor two"),
        ("mixing angle g", "an angle or a scale"),
        ("limit on coupling scale Lambda", "an angle or a scale"),
        ("Lower limit on g'", "a lower limit"),
        ("g' in units of 10-4", "neither a unit nor a power of ten"),
        ("g' [10^-3]", "neither a unit nor a power of ten"),
        ("g' x 10**3", "neither a unit nor a power of ten"),
        ("limit on SIG [fb]", "neither a unit nor a power of ten"),
    ],
)
def test_what_is_no_coupling_is_refused(tmp_path, name, what):
    path = tmp_path / "t.csv"
    path.write_text(as_csv({name: LIMITS}), encoding="utf-8")
    with pytest.raises(InvalidArgument, match=r"t.csv, line 12: expected a column with a coupling; got .*") as caught:
        read_limit(path)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "unit"),
    [
        ("M [GEV]", "M", "GEV"),
        ("M(ZZ) [GeV/c^2]", "M(ZZ)", "GeV/c^2"),
        ("Mass (GeV)", "Mass", "GeV"),
        ("MASS IN GEV", "MASS", "GEV"),
        ("mass, MeV", "mass", "MeV"),
        ("limit (90 % CL)", "limit (90 % CL)", ""),
        ("number in events", "number in events", ""),
    ],
)
def test_headers(text, name, unit):
    assert (header(text).name, header(text).unit) == (name, unit)


def test_a_confidence_level_that_the_file_names_is_the_one_that_is_used(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(as_csv({"g' (95% CL)": LIMITS}))
    with pytest.raises(InvalidArgument, match=r"`cl` must be 0.95, as t.csv says of \"g' \(95% CL\) .*; got 0.9"):
        lmt.published_limit("mine", hepdata=path)
    assert lmt.published_limit("mine", hepdata=path, cl=0.95).observed == 0.0
    path.write_text(as_csv({"g'": LIMITS}))
    with pytest.raises(InvalidArgument, match=r"`cl` must be 0.9, as t.csv says"):
        lmt.published_limit("mine", hepdata=path, cl=0.95)


@pytest.mark.parametrize(
    "words",
    [
        "$95\\%$ C.L.",
        "95$\\%$ confidence level",
        "95% CLs",
        "CL = 95%",
        "0.95 confidence level",
        "95%-CL",
        "95% (CL)",
        "95% upper limits",
        "95 per cent CL",
        "95~\\% CL",
        "95% CL$_s$",
        "CL [%]: 95",
        "confidence level: 0.95",
    ],
)
def test_a_confidence_level_in_every_spelling(tmp_path, words):
    path = tmp_path / "t.csv"
    path.write_text(as_csv({"g'": LIMITS}).replace("at 90% C.L.", f"at {words}"))
    with pytest.raises(InvalidArgument, match=r"`cl` must be 0.95, as t.csv says"):
        read_limit(path, cl=0.90)
    assert len(read_limit(path, cl=0.95)[0]) == MASSES.size
    both = as_csv({"g'": LIMITS}).replace("at 90% C.L.", f"at {words} and 90% CL")
    path.write_text(both)
    for cl in (0.90, 0.95):
        read_limit(path, cl=cl)
    with pytest.raises(InvalidArgument, match=r"`cl` must be 0.9 or 0.95, as t.csv says"):
        read_limit(path, cl=0.99)


def test_a_confidence_level_among_the_qualifiers(tmp_path):
    path = tmp_path / "t.yaml"
    text = as_yaml({"g'": LIMITS})
    table = yaml.safe_load(text)
    table["dependent_variables"][0]["qualifiers"] = [{"name": "CL", "value": 95, "units": "%"}]
    path.write_text(yaml.safe_dump(table))
    with pytest.raises(InvalidArgument, match=r"`cl` must be 0.95"):
        read_limit(path, cl=0.90)


@pytest.mark.parametrize("name", ["$m^2$", "sqrt(s)", "$\\tau$", "$\\log_{10}(m/GeV)$", "ENERGY"])
def test_a_first_column_that_is_no_mass_is_refused(tmp_path, name):
    path = tmp_path / "t.csv"
    path.write_text(as_csv({"g'": LIMITS}).replace("$m_{Z'}$ [GeV]", f"{name} [GeV]"))
    with pytest.raises(InvalidArgument, match="expected a first column with masses; got"):
        read_limit(path)


def _good():
    return as_csv({"g'": LIMITS})


def _archive(kind):
    held = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("submission.yaml", "a: 1")
    else:
        with tarfile.open(fileobj=held, mode=kind) as archive:
            archive.addfile(tarfile.TarInfo("submission.yaml"))
    return held.getvalue()


INDEX = "comment: c\n---\nname: Table 1\ndata_file: data1.yaml\n---\nname: Table 2\ndata_file: data2.yaml\n"
YAML_HEAD = "independent_variables:\n- header: {name: m, units: GeV}\n  values: [{value: 1}, {value: 2}]\n"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.zip", _archive("zip"), "a.zip, all of it: an archive of a whole submission; unpack it"),
        # Named: gzip writes the time, and workers must collect the same tests.
        pytest.param("a.tar.gz", _archive("w:gz"), "a.tar.gz, all of it: an archive", id="a.tar.gz"),
        ("a.tar", _archive("w:"), "a.tar, all of it: an archive"),
        ("a.json", '{"values": []}', "a.json, all of it: got JSON; hepdata.net has CSV and YAML"),
        ("a.root", b"root\x00", "a.root, all of it: got ROOT"),
        ("submission.yaml", INDEX, "the index of a submission; give the file of one table: data1.yaml, data2.yaml"),
        ("a.csv", "", "a.csv, all of it: got an empty file"),
        ("a.csv", META.format(number=1, name="x", blank=""), "a.csv, all of it: got no column of numbers"),
        ("a.csv", "<html>\n<body>\n</body>\n</html>\n", "a.csv, line 1: expected a header and rows of as many numbers"),
        ("a.csv", "m [GeV],g\n", r"a.csv, line 1: expected a header and rows of numbers below it; got 'm \[GeV\],g'"),
        ("a.csv", _good().replace("0.5,0.0008,0.1,-0.1", "0.5,0.0008"), "line 14: expected 4 entries, .*; got 2"),
        (
            "a.csv",
            _good().replace("0.5,0.0008", "0.5,<0.0008"),
            r"line 14: expected a positive .* \"g'\"; got '<0.0008'",
        ),
        ("a.csv", _good().replace("0.5,", "-0.5,"), "line 14: expected a positive number in the column .*; got '-0.5'"),
        ("a.csv", _good().replace("0.0008", "inf"), "line 14: expected a positive number .*; got 'inf'"),
        ("a.csv", _good().replace(" [GeV],g", ",g"), 'line 12: expected a first column in GeV or MeV .*; got "\\$m_'),
        (
            "a.csv",
            _good().replace("0.5,", "9.5,"),
            "line 12: expected two or more masses that increase; got some that go",
        ),
        ("a.csv", "m [GeV],g\n1,2e-3\n", "line 1: expected two or more masses that increase; got 1"),
        ("a.yaml", "a: [1\n", "a.yaml, line 2: no YAML"),
        ("a.yaml", "[" * 3000, "a.yaml, all of it: no YAML of a table"),
        ("a.csv", "m [GeV],g\n1," + "2" * 140_000 + "\n", "a.csv, all of it: no CSV: field larger than"),
        ("a.yaml", "a: 1\n", "all of it: expected `independent_variables` and `dependent_variables`"),
        ("a.yaml", "dependent_variables: []\n" + YAML_HEAD, "expected a list of `dependent_variables`; got "),
        (
            "a.yaml",
            "dependent_variables:\n- values: []\n" + YAML_HEAD,
            r"dependent_variables\[0\]: expected a `header`",
        ),
        (
            "a.yaml",
            "dependent_variables:\n- header: {name: g}\n  values: [{value: 1}]\n" + YAML_HEAD,
            r"dependent_variables\[0\]: expected 2 values, one for each mass; got 1",
        ),
        (
            "a.yaml",
            "dependent_variables:\n- header: {name: g}\n  values: [{low: 1}]\n" + YAML_HEAD,
            r"dependent_variables\[0\], value 0: expected `value`, or `low` and `high`; got \{'low': '1'\}",
        ),
        (
            "a.yaml",
            "dependent_variables:\n- header: {name: g}\n  values: [1, 2]\n" + YAML_HEAD,
            r"dependent_variables\[0\]: expected `values`, a list of entries",
        ),
        (
            "a.yaml",
            YAML_HEAD + "- header: {name: eps}\n  values: []\ndependent_variables: [1]\n",
            "independent_variables: expected one, the mass; got 'm \\[GeV\\]', 'eps'",
        ),
    ],
)
def test_a_bad_file_is_one_sentence_with_its_place(tmp_path, file, content, message):
    path = tmp_path / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidArgument, match=message) as caught:
        lmt.published_limit("mine", hepdata=path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


WHOLE = [as_csv({"g'": LIMITS, "g": EXPECTED}), as_yaml({"g'": LIMITS}), INDEX, YAML_HEAD]
PIECES = [*"\n\r,;:#'\"[]{}-&*!%@`|>?\t\0", "- ", "#: ", "name", "values: ", "null", "2001-99-99", "1e999", "[" * 3000]


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_damaged_file_is_a_limit_or_a_sentence(tmp_path_factory, data):
    text = data.draw(st.sampled_from(WHOLE))
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(text)))
        end = begin + data.draw(st.integers(0, 40))
        text = text[:begin] + data.draw(st.sampled_from(PIECES) | st.text(max_size=5)) + text[end:]
    path = tmp_path_factory.getbasetemp() / data.draw(st.sampled_from(["damaged.csv", "damaged.yaml", "damaged"]))
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    try:
        masses, limits = read_limit(path, column=data.draw(st.sampled_from([None, 1])))
    except InvalidArgument as error:
        assert path.name in str(error)  # noqa: PT017 - either is right
    else:
        assert (np.diff(masses) > 0).all()
        assert (limits > 0).all()


def test_arguments_of_a_file_belong_to_a_file(tmp_path):
    for call, message in (
        (lambda: lmt.published_limit("mine"), "`curve` or `hepdata` must be given, and not both"),
        (lambda: lmt.published_limit("mine", (MASSES, LIMITS), hepdata="a.csv"), "`curve` or `hepdata` must be given"),
        (lambda: lmt.published_limit("mine", (MASSES, LIMITS), column=1), "`column` and `squared` must be left out"),
        (lambda: lmt.published_limit("mine", hepdata=tmp_path), "`hepdata` must be a file of one table"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            call()


def test_masses_that_fall_are_turned_around(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("m (MeV);g\n" + "".join(f"{m};{g}\n" for m, g in zip(MASSES[::-1], LIMITS[::-1], strict=True)))
    np.testing.assert_allclose(read_limit(path), (MASSES, LIMITS), rtol=1e-12)
