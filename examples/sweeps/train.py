"""A program as it is written for W&B: nothing in it knows of evenfit."""

import time

import wandb

with wandb.init(project="example") as run:
    for epoch in range(10):
        gap = (run.config.learning_rate - 0.01) ** 2 * 1e3
        run.log({"epoch": epoch, "val_loss": gap + run.config.optimizer["momentum"] / (epoch + 1)})
        time.sleep(0.05)
