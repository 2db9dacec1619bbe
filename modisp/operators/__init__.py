"""The mathematics that several stages share: filter arrays, noise, wavelets, warps, curves, tables.  Tensors in, tensors out."""
