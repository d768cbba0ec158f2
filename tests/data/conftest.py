"""Files of images, as the tests of the data sets make them."""

from tests.dataset.conftest import arrays, generator, no_network, unpacked, write_idx

__all__ = ["arrays", "generator", "no_network", "unpacked", "write_idx"]
