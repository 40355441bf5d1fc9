"""The other side of `deno task bench --loader`: torchvision's transforms in a DataLoader with a worker for each core.

Takes a file with a path on each line, and the batch. Then reads lines: "MODE COUNT" is answered with the milliseconds from
the first image asked for to the last batch there, as tensors; "crop PATH X Y WIDTH HEIGHT" with the pixels of that crop.
"""
import base64
import json
import os
import sys
import time
import warnings

import PIL
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import Compose, InterpolationMode, PILToTensor, RandomResizedCrop, ToTensor, v2
from torchvision.transforms.functional import pil_to_tensor, resized_crop

warnings.simplefilter("ignore")
SIZE = 224
CROP = {"size": SIZE, "scale": (0.3, 1.0), "interpolation": InterpolationMode.BICUBIC}


def opened(path):
    with open(path, "rb") as file:
        return Image.open(file).convert("RGB")


class Crops(Dataset):
    """An epoch's images, each by a mode's way."""

    def __init__(self, paths, mode):
        self.paths, self.mode = paths, mode
        if mode == "io":
            self.transform = v2.RandomResizedCrop(**CROP, antialias=True)
        else:
            self.transform = Compose([RandomResizedCrop(**CROP), ToTensor() if mode == "float32" else PILToTensor()])

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        image = decode_image(self.paths[i], ImageReadMode.RGB) if self.mode == "io" else opened(self.paths[i])
        return self.transform(image), 0


class Turn(Sampler):
    """So many images, shuffled, all of them before one comes again."""

    def __init__(self, images):
        self.images, self.count = images, 0

    def __len__(self):
        return self.count

    def __iter__(self):
        epochs = -(-self.count // self.images)
        return iter(torch.cat([torch.randperm(self.images) for _ in range(epochs)])[: self.count].tolist())


def main():
    with open(sys.argv[1]) as file:
        paths = file.read().splitlines()
    batch, workers = int(sys.argv[2]), os.cpu_count()
    loaders = {}
    for mode in ("float32", "uint8", "io"):
        data = Crops(paths, mode)
        loaders[mode] = DataLoader(
            data, batch, sampler=Turn(len(data)), num_workers=workers, persistent_workers=True, drop_last=True
        )
    about = dict(torch=torch.__version__, torchvision=torchvision.__version__, pillow=PIL.__version__, workers=workers)
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        command, *arguments = line.rstrip("\n").split("\t")
        try:
            if command == "crop":
                path, *box = arguments
                x, y, width, height = map(int, box)
                crop = resized_crop(opened(path), y, x, height, width, [SIZE, SIZE], InterpolationMode.BICUBIC)
                pixels = pil_to_tensor(crop).permute(1, 2, 0).contiguous().numpy().tobytes()
                answer = dict(pixels=base64.b64encode(pixels).decode())
            else:
                loader, count = loaders[command], int(arguments[0])
                loader.sampler.count = count
                start, seen = time.perf_counter(), 0
                for images, _ in loader:
                    seen += len(images)
                answer = dict(ms=(time.perf_counter() - start) * 1000, images=seen)
        except Exception as error:
            answer = dict(error=f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}")
        print(json.dumps(answer), flush=True)


main()
