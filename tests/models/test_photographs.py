"""Reading photographs, and the preprocessing of the reference."""

import numpy as np
import pytest

import wengert as wg
from wengert import models

Image = pytest.importorskip("PIL.Image", reason="photographs need Pillow")
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 20, 3)).astype(np.uint8)


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


class TestLoad:
    def test_colour(self, tmp_path):
        np.testing.assert_array_equal(models.load_image(save(tmp_path / "a.png", PIXELS)), PIXELS)

    def test_grey(self, tmp_path):
        found = models.load_image(save(tmp_path / "a.png", PIXELS[..., 0]))
        np.testing.assert_array_equal(found, np.repeat(PIXELS[..., :1], 3, axis=2))

    def test_sixteen_bits(self, tmp_path):
        grey = PIXELS[..., 0].astype(np.uint16) * 257
        found = models.load_image(save(tmp_path / "a.png", grey))
        np.testing.assert_array_equal(found, np.repeat(PIXELS[..., :1], 3, axis=2))

    def test_transparent_becomes_white(self, tmp_path):
        clear = np.zeros((4, 5, 4), np.uint8)
        np.testing.assert_array_equal(models.load_image(save(tmp_path / "a.png", clear)), 255)

    def test_palette(self, tmp_path):
        Image.fromarray(PIXELS).quantize(4).save(tmp_path / "a.gif")
        assert models.load_image(tmp_path / "a.gif").shape == PIXELS.shape

    def test_turned_camera(self, tmp_path):
        image = Image.fromarray(PIXELS)
        exif = image.getexif()
        exif[0x0112] = 6  # the top of the picture is on the right side
        image.save(tmp_path / "a.png", exif=exif)
        assert models.load_image(tmp_path / "a.png").shape == (20, 12, 3)

    def error(self, path):
        with pytest.raises(wg.DataError) as caught:
            models.load_image(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    def test_not_an_image(self, tmp_path):
        path = tmp_path / "a.jpg"
        for content in (b"", b"hello", b"\xff\xd8\xff", bytes(1000)):
            path.write_bytes(content)
            assert "not an image" in self.error(path)

    @pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tif", "webp"])
    def test_damaged(self, tmp_path, ending):
        """Cut short or overwritten, a file gives an image or an error that names it."""
        content = save(tmp_path / f"a.{ending}", PIXELS).read_bytes()
        path = tmp_path / f"b.{ending}"
        rng = np.random.default_rng(1)
        for length in range(0, len(content), max(1, len(content) // 25)):
            noise = bytearray(content)
            noise[length] ^= int(rng.integers(1, 256))
            for damaged in (content[:length], bytes(noise)):
                path.write_bytes(damaged)
                found = self.read(path)
                assert path.name in found if isinstance(found, str) else found.ndim == 3

    @staticmethod
    def read(path):
        """The image, or the message."""
        try:
            return models.load_image(path)
        except wg.DataError as error:
            return str(error)

    def test_missing_and_directory(self, tmp_path):
        assert "No such file" in self.error(tmp_path / "a.png")
        assert "directory" in self.error(tmp_path)

    def test_too_large(self, tmp_path, monkeypatch):
        path = save(tmp_path / "a.png", PIXELS)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 150)
        assert "too large" in self.error(path)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
        assert "too large" in self.error(path)

    def test_range_unknown(self, tmp_path):
        path = save(tmp_path / "a.tif", PIXELS[..., 0].astype(np.float32))
        assert "save it with 8 bits" in self.error(path)


def slow_reference(image):
    """``preprocess_for_eval`` one output pixel at a time, after TensorFlow's resize_bicubic_op."""
    height, width, _ = image.shape
    side = int(224 / 256 * min(height, width))
    top, left = (height - side + 1) // 2, (width - side + 1) // 2
    square = image[top : top + side, left : left + side].astype(float)

    def weight(t):
        t, a = abs(t), -0.75
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0

    def resized(line):
        out = np.zeros((224, *line.shape[1:]))
        for i in range(224):
            where = np.float32(i) * np.float32(side / 224)
            base = int(np.floor(where))
            delta = np.rint((where - base) * 1024) / 1024
            for k in (-1, 0, 1, 2):
                out[i] += weight(delta - k) * line[min(max(base + k, 0), side - 1)]
        return out

    y = resized(resized(square).swapaxes(0, 1)).swapaxes(0, 1)
    return (y - 127) / 128


class TestPreprocess:
    @pytest.mark.parametrize("shape", [(40, 30, 3), (300, 451, 3), (2, 9, 3), (256, 256, 3)])
    def test_is_the_reference(self, shape):
        image = np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8)
        x = models.preprocess(image)
        assert (x.shape, x.dtype) == ((1, 224, 224, 3), np.float32)
        np.testing.assert_allclose(x[0], slow_reference(image), atol=2e-5)

    def test_size_of_the_network(self):
        """Where the crop has 224 pixels already, they are only scaled."""
        image = np.random.default_rng(3).integers(0, 256, (256, 300, 3)).astype(np.uint8)
        x = models.preprocess(image)[0]
        np.testing.assert_allclose(x, (image[16:240, 38:262].astype(float) - 127) / 128, atol=1e-6)

    def test_crop_box(self):
        assert models.crop_box(256, 256) == (16, 16, 224)
        assert models.crop_box(300, 451) == (19, 95, 262)

    def test_errors(self):
        with pytest.raises(wg.ShapeError, match=r"\(height, width, 3\), got \(4, 4\)"):
            models.preprocess(np.zeros((4, 4), np.uint8))
        with pytest.raises(wg.ShapeError, match="1 x 9 pixels is too small"):
            models.preprocess(np.zeros((1, 9, 3), np.uint8))
        with pytest.raises(wg.WengertTypeError, match="uint8, got float64"):
            models.preprocess(np.zeros((4, 4, 3)))
