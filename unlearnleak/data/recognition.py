"""Tells whose images a file holds: those of well-known sets are recognised in any order, selection and split.

A set is known by a sample of its labelled images: those whose SHA-256 begins with a zero byte, one in 256. Of any part
of the set, such rows are in the sample, and of other images none are. SVHN's are not known here.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

DIGITS = 6
"""Hexadecimal digits that are kept of a sampled row's digest, from its second byte on."""
MOST_ROWS = 20_000
"""So many rows of a part are looked at; 78 of them are in the sample, on average."""


def whose(parts: Iterable[tuple[np.ndarray, np.ndarray]], known: Mapping[str, str] | None = None) -> str | None:
    """Return the set, by its word on the command line, whose rows most of the sampled ones are; None where none is.

    `parts` are images (uint8 [N,H,W] or [N,H,W,C]) with their labels (0..255, [N]). `known` holds the sampled digests
    of each set, one after the other: this module's if not given.
    """
    sampled = [row for images, labels in parts for row in sample(images, labels)]
    for name, rows in (KNOWN if known is None else known).items():
        digests = {rows[at : at + DIGITS] for at in range(0, len(rows), DIGITS)}
        if 2 * sum(row in digests for row in sampled) > len(sampled):
            return name
    return None


def sample(images: np.ndarray, labels: np.ndarray) -> Iterator[str]:
    """The sampled rows' digests: of evenly spaced rows, those whose SHA-256 begins with a zero byte."""
    step = -(-len(labels) // MOST_ROWS)
    for image, label in zip(images[::step], labels[::step], strict=True):
        digest = hashlib.sha256(image.tobytes() + bytes([int(label)])).digest()
        if digest[0] == 0:
            yield digest[1:].hex()[:DIGITS]


KNOWN = {
    "mnist": (
        "00889e021ce7037b39041f1c04c6ee05cef406b4a407ab3c08898508d79508f38e0998310b3c7b0d01860e508d0e9e811167c21177da"
        "11b09211dc36120339122c421306551315f3147c5016fe631707e1177aa818630e189fa718e2191a1ce71a91111cb19e1d46251e6b08"
        "1e6f5f1f2f7d2049ca21309f213e232444d3266c6928db8c296f9529d5242bdb292c35172cd9522fcd1e3046db32fa4a3318f5335111"
        "3380dc34b3b336a60136d7d1372bc537da7c3a590b3b6f513c15043cee6d3e497d3eb7823f62ed4134d8419b5941fc91442d31443f9c"
        "44616a45ce2546dad048fc194e90054f0b164f76ca4faf474fb3714ffa3c51183c5135a151f6a6542ada54c4925551925693cf57c089"
        "58274c58307e590ce55a34e45bd5935c98ba5e0b9d5f56105fc3575ffa0760228f606118625d1e6291b162b42b62cd3663d929682908"
        "6ac2df6c946b6ce1766d27496e086e6e4b2e6efdcd6f421170371570b45e7299907451d8775fa777918779244c7b57547ba32d7dddbf"
        "7efe767f26d97f33cf8169de817017820a3682f6d784be2585b01e861d4f8739f387bc598abb6a8da26e8e91a68ff0ab9007d9903154"
        "904d4d92eaf09379e093dd3b9434179470a9958b2895f77a968b2c970dae999f759a16879aa2c69af1a49b316b9c96639e81709ed2f6"
        "9f437fa14159a4062fa44b15a7f157a9deb5aa68a2aa7edfaac281ac10e7ac4659ae510cae8fecae9299aefc6db0f79cb295dbb30fa7"
        "b40d6cb49f9eb4c834b5b72bb7bb8ab86c68bbc476bbcebdbc4753bd4694be2ef1bf77a8c0d26ec0ea32c1676fc1d8fcc44a57c498b5"
        "c4dc6ac56f3ac613f3c7915fca6975cb2379cd5d12cd6c74cda09ecddef7ceb645cf1f3fd3440fd3b817d47d2dd52900d5cb30d8645b"
        "db7882dba579dc74a0dd1e89deb00bdf68cfe323c9e3721fe4d8efe51f06e54c4de8755de8f516ea82f6edac0df141fef54283f5a326"
        "f89c8bf96d65f9be11f9e9d3fa0716fa716bfaa9b6fae925fd7e81"
    ),
    "fashion_mnist": (
        "011f0b0435fc04f1fe050d97054b8505ba8d07db20081d48093a830b6e7b0ce3cc0e0ee90ec27511a557122add12b060132f991335cc"
        "13ae39142cb51443361458d1153c601582481907301974df19ab1e19e1301af11f1b90321bf7c51c377c1d132f1e336c1eb2861f085f"
        "1f379a1feefd21d0bf2307fe238ffc24f921250d0e290c8a292b942b90782c795c2d23302dea172edaae2f86082fd19d304057310e9b"
        "3137643342ff35faea36d85d37181a39a2ef39f2f43a07773db4ec3eb4423eea493f856f4175fd454bf445baa745ff40476a01486a64"
        "49afbd49dbb74bf81e4f7b274fdd9350927a519c0551cff4526fc253244f54fb52565f5056f6a056ffe158f054594e61598f945b9b4b"
        "5bdd525d9b975fe2705fea6962ee2f638b0763ce03647913647f0464adef6586326669d766dd60672cfb6762be67d99e68e4c26994d6"
        "6a96246c06366c08676cb7fa6d1ed9706f9071400b720b2275b704775df0780d6e7ab8627b26027b33e57cf1687e39e77e4ae0821e06"
        "823d338259eb82937583b52083c19885c2d086cb59879d9b88bfc28c0e2f8da94b8e48d48f42b18f6d0f8fc15790656c91590d929e39"
        "92a58392e0799520f996169496289b97013e97aba597e55398d97298e9819913889a11da9a26bd9bd6cd9d092d9df560a19d2ea23b20"
        "a2808da32c0fa47c72a59167a7740ea897a7a9b26fac5d27ac87aaad13e0adcf85add743ae7b33b029f8b0c17bb124fbb233d5b2c576"
        "b2fc07b34fefb3d819b3e372b57231b58a88b61601b82490b9460bb9ed68bbbfc1bc4de4bdfe80c0a18ac0a3c3c0c266c2e2f9c57031"
        "c58044c9adf2cb2024cb8c1bcc6e1ccd50f5cda3c6ce7b5cced33ccf567ccf5d6cd2d0e9d3a826d3c0ded3effad41b90d666d6d6dde2"
        "d79f32d81bc7da8346dbc9ecdbda11de492cde657cdeb704e01cc1e35307e557ede66985e69ad9e6b12ee70433e7dd01e8b4f8e8e709"
        "e972cde9f8c5eae660ededfcee413cee4e1aef2359efd1eaf0821ef23268f3b847f46481f7344df7ab5ff80a0cf99409fa617efa7f02"
        "fb7b83fb7fe1fbb924fc1c88fc9b01fea612ff5879ff785b"
    ),
    "cifar10": (
        "017a56030eeb050514079977099ad609d1270b60990c37310c971c0cb22a0dbcab0e22b80f0a130f4f690fb46f10c91e1102db119228"
        "131bd913e75115a8d01600e516a1611723081838321a77d11a9b911e09cd1e2eb01e484d1e66151f4a1f1f54861f55521f78031f781d"
        "2059f320a52b20c0a521073721e7ba2214e3226e2b22882a229f64231dbe2380c127afdd28087129051b2978e22a0b592c117a2c3e83"
        "2d4dee2e366e31a5db32a84c33329b3436fa34587435d95436067937d32e38b0cd3b148a3c8f883d689a3df9ab3f68af40f147415edf"
        "448a2c455fda4576aa49cc3f49fa464db3e150f56451c06556a9b25789fd583bcd583eb85856b8590e315a35475baf4c5c38ac5c7256"
        "5d7bc35e0cca629c9164663f65fa2666380068c2bc6a22516bc5696be7426c69c56cc4626cff4e6d2cf36d7cf06e6b5f6f2a1c7244d3"
        "72a47a7347a076504777f2f37953077971f2798ddf79acd879cc637a18a17a18d27a22697cf9b77dc7bf7def3f7efc167fe60c81f06c"
        "8331d783cb6384147c8528e286352787ffea8c2f158c8e2d8ee2a78fa1f491be8a91ccd094264f9555c6968589987baa99009e991dfb"
        "99497a99bd759ce6539dbb069ea660a12cc7a2ee1ca42a5ea6df29a70870a76454a7fae8ad7db5ae53d3ae605cae655eb0b0deb105ed"
        "b19183b2cf15b3e7cfb440a0b5efd0b65fcdb8c46eb8e653bad215bb1a96bbd48abdf95cbea00fbea98cbeb05fbf2116bf2b96bf69e0"
        "c1e4f4c1f524c3a8d7c3ae8fc40d84c4aea4c52bb1c59818c6cb93c8044ac823dbc908a1c981f2cbe23dcd1a89cde4b2ce057fd014ad"
        "d0b3dfd13ec3d18974d23b36d2e446d2fe01d34221d396fbd40370d4cd45d67338d6aca8d8569bd86bc3d8cc69d8f85cd9d138dee3bb"
        "df5cfde08d49e2a969e2edc2e4877be4e0c3e59ef9e7d7d7e9be7bec6d3dedab9aef0042f0d08cf14ae1f1d2faf2cb2df2efcaf34855"
        "f3d44bf4918ff4cec7f54027f63765f64fa6f74ee9f8f775fa360ffa8458faf5ddfe1d2c"
    ),
}
"""The sampled digests by set."""
