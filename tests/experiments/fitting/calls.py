"""Calls that a pool makes: they say where they ran, take time, or end the process that they are in."""

import os
import time

import numpy as np

from evenfit.experiments.fitting.fits import Fitted


class Call:
    def __init__(self, number, *, seconds=0.0, deadly=False):
        self.number, self.seconds, self.deadly = number, seconds, deadly

    def __call__(self, shared, stop):
        time.sleep(self.seconds)
        if self.deadly:
            os._exit(3)
        predictions = np.full((1, 1), float(shared[self.number]))
        return Fitted(number=self.number, predictions=predictions, notes=(str(os.getpid()),))


class Asks:
    """Ends itself where it is told to stop."""

    number = 0

    def __call__(self, shared, stop):
        return None if stop() else Fitted(number=0, predictions=np.zeros((1, 1)))
