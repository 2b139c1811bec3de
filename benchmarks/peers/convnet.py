"""GPN's ConvNet in plain PyTorch. Written from the formulas.

Two layouts: `first`, conv1d on (batch, D, length) with a transpose on either side for LayerNorm and the product, which
is how the published code runs; `last`, conv2d on images of height 1 whose channels lie beside each other, no
transpose. In both the weights are stored once in the layout that the convolution wants.
"""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


class ConvNet(torch.nn.Module):
    def __init__(self, folder, config, layout):
        super().__init__()
        self.c, self.layout = config, layout
        for name, tensor in load_file(folder / "model.safetensors").items():
            if layout == "last" and name.endswith("conv.1.weight"):
                tensor = tensor.unsqueeze(2).contiguous(memory_format=torch.channels_last)
            self.register_buffer(name.replace(".", "/"), tensor)

    def take(self, name):
        return getattr(self, name.replace(".", "/"))

    def dilation(self, i):
        c = self.c
        return min(c["dilation_max"], c["dilation_base"] ** (i % c["dilation_cycle"] // c["dilation_double_every"]))

    def convolve(self, x, pre, step):
        weight, bias = self.take(pre + "weight"), self.take(pre + "bias")
        reach = step * (weight.shape[-1] // 2)
        if self.layout == "first":
            return F.conv1d(x.transpose(1, 2), weight, bias, padding=reach, dilation=step).transpose(1, 2)
        image = x.transpose(1, 2).unsqueeze(2)
        return F.conv2d(image, weight, bias, padding=(0, reach), dilation=(1, step)).squeeze(2).transpose(1, 2)

    def norm_gelu(self, y, name):
        return F.layer_norm(F.gelu(y), y.shape[-1:], self.take(name + ".weight"), self.take(name + ".bias"), 1e-5)

    def states(self, ids):
        x = F.one_hot(ids, self.c["hidden_size"]).to(self.take("model.encoder.0.conv.1.bias").dtype)
        found = [x]
        for i in range(self.c["n_layers"]):
            pre = f"model.encoder.{i}."
            x = x + self.norm_gelu(self.convolve(x, pre + "conv.1.", self.dilation(i)), pre + "conv.4")
            y = F.linear(x, self.take(pre + "ffn.0.weight"), self.take(pre + "ffn.0.bias"))
            x = x + self.norm_gelu(y, pre + "ffn.2")
            found.append(x)
        return found

    def forward(self, ids, keep):
        weight = keep / keep.sum(dim=1, keepdim=True)
        return torch.stack([torch.einsum("bl,bld->bd", weight, x.float()) for x in self.states(ids)])
