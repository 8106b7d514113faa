"""Numbers by rule: every draw is a hash of its set, its scene and its own name.

A new draw moves no other, nobody picks a value, and two sets share nothing: the text that is
hashed differs from its first letter on.
"""
import hashlib
import math


class Draw:
    def __init__(self, *names):
        self.names = "/".join(str(n) for n in names)

    def sub(self, name):
        return Draw(self.names, name)

    def unit(self, name):
        """[0, 1), uniform."""
        digest = hashlib.sha256(f"{self.names}/{name}".encode()).digest()
        return int.from_bytes(digest[:7], "big") / 2.0**56

    def between(self, name, low, high):
        return low + (high - low) * self.unit(name)

    def whole(self, name, low, high):
        """low to high, both included."""
        return low + int(self.unit(name) * (high - low + 1))

    def one_of(self, name, items):
        return items[int(self.unit(name) * len(items))]

    def chance(self, name, share):
        return self.unit(name) < share

    def weighted(self, name, weights):
        """A key of {key: weight}."""
        left = self.unit(name) * sum(weights.values())
        for key, weight in weights.items():
            left -= weight
            if left < 0:
                return key
        return key

    def stratum(self, name, index, n):
        """[0, 1): the n of them spread evenly, in an order of their own (a Latin hypercube)."""
        order = sorted(range(n), key=lambda i: self.unit(f"{name}/order/{i}"))
        return (order[index] + self.unit(f"{name}/{index}")) / n

    def normal(self, name):
        radius = math.sqrt(-2 * math.log(1 - self.unit(name + "/r")))
        return radius * math.cos(2 * math.pi * self.unit(name + "/a"))
