import pytest

from unlearnleak.adversary.threat import Access, ThreatModel


@pytest.mark.parametrize(
    ("threat", "words"),
    [
        (ThreatModel(target=Access.WHITE), "white box"),
        (ThreatModel(target=Access.BLACK, auxiliary=True), "black box, auxiliary data"),
        (
            ThreatModel(target=Access.WHITE, original=Access.WHITE, auxiliary=True),
            "white box, auxiliary data, sees the model before too",
        ),
        (
            ThreatModel(target=Access.LABEL, original=Access.BLACK),
            "label only, sees the model before too (black box)",
        ),
        (
            ThreatModel(target=Access.WHITE, original=Access.WHITE, pretrained=Access.WHITE),
            "white box, sees the model before too, sees the pretrained model too",
        ),
        (
            ThreatModel(target=Access.LABEL, pretrained=Access.BLACK),
            "label only, sees the pretrained model too (black box)",
        ),
        (ThreatModel(target=Access.BLACK, shadow_models=1), "black box, 1 shadow model"),
        (ThreatModel(target=Access.BLACK, shadow_models=8), "black box, 8 shadow models"),
    ],
)
def test_a_threat_model_in_words(threat, words):
    assert str(threat) == words


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="sees something of its target"):
        ThreatModel(target=Access.NONE)
    with pytest.raises(ValueError, match="shadow_models=-1"):
        ThreatModel(target=Access.WHITE, shadow_models=-1)
