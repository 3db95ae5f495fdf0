"""How the ViTs that trained weights exist for differ from one another."""

from __future__ import annotations

from dataclasses import dataclass, field

# dim → (depth, heads)
_PLAIN = {384: (12, 6), 768: (12, 12), 1024: (24, 16)}


@dataclass(frozen=True, slots=True)
class Family:
    """One family of pretrained ViTs.

    Attributes:
        sizes: dim → (depth, heads) of those that are published; empty: any.
        eps: of its layer norms.
        padding: pixels around the image before it is cut into patches.
        prefix: tokens of its own before the patches: class token, then registers.
        position: whether patches have a learnt position.
        layer_scale: whether each branch of a block is scaled per channel.
        rotary: whether attention turns queries and keys by the patches' places.
    """

    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    eps: float = 1e-6
    padding: int = 0
    prefix: int = 0
    position: bool = True
    layer_scale: bool = False
    rotary: bool = False


FAMILIES = {
    "none": Family(eps=1e-5),
    # ViTPose's S has 12 heads where DINO's has 6; its 16 px patches are cut from a padded image.
    "vitpose": Family({**_PLAIN, 384: (12, 12), 1280: (32, 16)}, padding=2),
    "mae": Family({768: (12, 12), 1024: (24, 16), 1280: (32, 16)}, prefix=1),
    "dinov2": Family(_PLAIN, prefix=1, layer_scale=True),
    "dinov3": Family(_PLAIN, 1e-5, prefix=5, position=False, layer_scale=True, rotary=True),
}
