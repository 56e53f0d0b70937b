"""A network trained by others, run and explained: EfficientNet-Lite0 on photographs."""
