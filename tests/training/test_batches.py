import pytest
import torch

from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator
from unlearnleak.training.batches import Pass, Passes, ResidentBatches


def numbered(count):
    """Images that carry their own number, which is their label too."""
    images = torch.arange(count, dtype=torch.uint8)[:, None, None, None]
    return LabeledImages(images, torch.arange(count), count)


@pytest.mark.parametrize(("count", "size", "batches", "each"), [(20, 5, 4, 5), (23, 5, 4, 5), (3, 5, 1, 3)])
def test_an_epoch_takes_every_sample_once_in_equal_batches(count, size, batches, each):
    epoch = ResidentBatches(numbered(count), size, generator(0))
    seen = list(epoch)
    assert len(epoch) == len(seen) == batches
    assert all(len(images) == len(labels) == each for images, labels in seen)
    assert all(torch.equal(images.flatten(), labels.to(torch.uint8)) for images, labels in seen)
    taken = torch.cat([labels for _, labels in seen])
    assert len(taken.unique()) == len(taken) == count - count % each


def test_the_order_comes_from_the_generator_and_is_new_in_every_epoch():
    def orders(seed):
        epoch = ResidentBatches(numbered(20), 4, generator(seed))
        return [torch.cat([labels for _, labels in epoch]) for _ in range(2)]

    first, second = orders(0)
    assert torch.equal(torch.stack([first, second]), torch.stack(orders(0)))
    assert not torch.equal(first, second)
    assert not torch.equal(first, orders(1)[0])


def test_what_one_epoch_leaves_out_another_takes():
    epoch = ResidentBatches(numbered(7), 3, generator(0))
    taken = torch.cat([labels for _ in range(10) for _, labels in epoch])
    assert torch.equal(taken.unique(), torch.arange(7))


def test_passes_come_one_after_the_other_and_each_is_shuffled_anew():
    first, second = numbered(10), LabeledImages(numbered(8).images, 100 + torch.arange(8), 108)
    epoch = Passes([Pass(first, 4), Pass(second, 20)], generator(0))
    seen = [labels for _, labels in epoch]
    assert [len(labels) for labels in seen] == [4, 4, 8]
    assert len(epoch) == 3
    assert epoch.batch_size == 4
    assert torch.cat(seen[:2]).max() < 10
    assert sorted(seen[2].tolist()) == list(range(100, 108))
    assert [epoch.number_of(number) for number in range(3)] == [0, 0, 1]
    with pytest.raises(IndexError):
        epoch.number_of(3)
    again = [labels for _, labels in epoch]
    assert not torch.equal(seen[2], again[2])
    alone = Passes([Pass(first, 4)], generator(0))
    assert torch.equal(
        torch.stack([y for _, y in alone]), torch.stack([y for _, y in ResidentBatches(first, 4, generator(0))])
    )
