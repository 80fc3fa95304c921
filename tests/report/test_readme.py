"""The README of a run's folder."""

from tests.report.studies import make_facts, make_study

from evenfit.report.readme import FILES, readme


def test_it_explains_every_file():
    study = make_study(rows=60, trials=2)
    said = readme(study, make_facts(study))
    for name, meaning in FILES.items():
        assert f"| `{name}` | {meaning} |" in said


def test_a_name_cannot_become_markup():
    study = make_study(rows=60, trials=2)
    said = readme(study, make_facts(study, name="a <b> *c*\n# d", command="evenfit fit `x`"))
    assert said.startswith("# a \\<b\\> \\*c\\* \\# d\n")
    assert "`evenfit fit 'x'`" in said
