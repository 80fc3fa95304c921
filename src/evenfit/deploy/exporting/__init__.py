"""A trained model as a file for other programs: ONNX, torch, safetensors; each checked before it is called done."""
