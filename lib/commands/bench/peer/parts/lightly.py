"""lightly's and timm's parts, for step.py."""
import torch
from torch import nn

try:
    import torchvision
except RuntimeError:
    # lightly imports torchvision, whose operators are not there where it was built for another torch. None is used.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    import torchvision  # noqa: F401
from lightly.models.modules.ijepa_timm import IJEPAPredictorTIMM
from lightly.models.modules.masked_vision_transformer_timm import MaskedVisionTransformerTIMM
from timm.models.vision_transformer import VisionTransformer


class Encoder(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.vit = MaskedVisionTransformerTIMM(vit=VisionTransformer(
            img_size=size["image"], patch_size=size["patch"], embed_dim=size["width"], depth=size["depth"],
            num_heads=size["heads"], mlp_ratio=size["mlpRatio"], class_token=False, global_pool="avg", num_classes=0,
        ))

    def forward(self, images, keep=None):
        return self.vit.encode(images, idx_keep=keep)


class Predictor(nn.Module):
    def __init__(self, size):
        super().__init__()
        own = size["predictor"]
        self.predictor = IJEPAPredictorTIMM(
            num_patches=(size["image"] // size["patch"]) ** 2, depth=own["depth"], mlp_dim=size["width"],
            predictor_embed_dim=own["width"], num_heads=own["heads"],
        )

    def forward(self, tokens, context, targets):
        return self.predictor(tokens, [context], targets)
