import torch

from unlearnleak.training.predict import evaluate, predict


def test_evaluate_agrees_with_one_image_at_a_time(original, digits):
    correct, total = [0] * 10, [0] * 10
    with torch.no_grad():
        for image, label in zip(digits.test.images, digits.test.labels.tolist(), strict=True):
            x = (image.double() / 255 - digits.mean[0]) / digits.std[0]
            correct[label] += int(original.model(x[None].float()).argmax()) == label
            total[label] += 1
    assert evaluate(original.model, digits.test) == (correct, total)


def test_evaluate_counts_classes_without_samples_as_none_of_none(original, digits):
    correct_K, total_K = evaluate(original.model, digits.test.without([0, 9]))
    assert (correct_K[0], correct_K[9], total_K[0], total_K[9]) == (0, 0, 0, 0)


def test_predict_goes_batch_by_batch_in_order(original, digits, monkeypatch):
    whole = predict(original.model, digits.test.images[:20])
    monkeypatch.setattr("unlearnleak.training.predict.EVALUATION_BATCH", 7)
    sizes = []

    def counted(model, x_NCHW):
        sizes.append(len(x_NCHW))
        return model(x_NCHW)

    assert torch.equal(predict(original.model, digits.test.images[:20], counted), whole)
    assert sizes == [7, 7, 6]


def test_predict_is_in_evaluation_mode_and_gives_every_module_its_own_mode_back(normalised, digits):
    normalised.train()
    normalised.body[1].eval()  # as a frozen batch normalisation is
    statistics = normalised.body[1].running_mean.clone()
    modes = [module.training for module in normalised.modules()]
    predict(normalised, digits.test.images)
    assert [module.training for module in normalised.modules()] == modes
    normalised.train()
    predicted = predict(normalised, digits.test.images)
    assert torch.equal(normalised.body[1].running_mean, statistics)
    normalised.eval()
    assert torch.equal(normalised(normalised.normalize(digits.test.images)).argmax(1), predicted)
