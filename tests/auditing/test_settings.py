import inspect

import pytest

from unlearnleak.auditing.audit import audit
from unlearnleak.auditing.settings import Settings
from unlearnleak.errors import UserError


def test_settings_are_those_of_the_audit_with_the_same_defaults():
    asked = inspect.signature(audit).parameters
    of_files = {"notes", "digests", "asked"}
    for name, value in vars(Settings()).items():
        assert name in of_files or asked[name].default == value, name


@pytest.mark.parametrize(("told", "named"), [({"seed": -1}, "seed=-1"), ({"effort": 0}, "effort=0")])
def test_what_cannot_be_is_refused(told, named):
    with pytest.raises(UserError, match=named):
        Settings(**told)


def test_names_and_truth_are_held_against_the_number_of_classes():
    told = Settings(class_names=["ape", "bee"], truth=1)
    assert told.names(2) == ("ape", "bee")
    assert told.truth_of(2) == (1,)
    assert Settings().names(2) is Settings().truth_of(2) is None
    with pytest.raises(UserError, match="class_names=2"):
        told.names(3)
    with pytest.raises(UserError, match="truth=1"):
        told.truth_of(1)
