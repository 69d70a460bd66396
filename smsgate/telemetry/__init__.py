"""What the gate tells about itself: plain integers that the data path counts up, and their Prometheus face."""
