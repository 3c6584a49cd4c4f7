"""The shop in plain Python: what happens in it, and what its tables should hold; it knows nothing of the layer."""

import csv
import os
import random
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

QUIET = 1_700_000_000
CENT = Decimal("0.01")


@dataclass(slots=True)
class Shop:
    """What is true of the shop; `kept` are amounts by order as the merge should hold them."""

    dice: random.Random
    landing: Path
    people: dict[int, str] = field(default_factory=dict)
    kept: dict[int, tuple[int, Decimal]] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    paid: dict[int, tuple[int, int]] = field(default_factory=dict)
    _last: dict[int, tuple[int, Decimal, str]] = field(default_factory=dict)
    _clock: int = 0
    _files: int = 0

    def day(self, changes: int = 12) -> None:
        """Lets some orders be made, changed, cancelled, sent wrong and sent twice, and some payments come."""
        orders, payments = [], []
        for _ in range(changes):
            self._clock += 1
            number = self.dice.randrange(1, 15)
            amount = Decimal(self.dice.randrange(-300, 9000)) * CENT
            state = self.dice.choice(["open", "open", "sent", "cancelled"])
            self._last[number] = (self.dice.randrange(1, 5), amount, state)
            told = (number, *self._last[number], self._clock)
            orders += [told] * self.dice.choice([1, 1, 2])
        for _ in range(changes // 3):
            self._clock += 1
            cents = self.dice.randrange(-100, 5000)
            payments.append((self._clock, self.dice.randrange(1, 15), cents))
            if cents > 0:
                self.paid[self._clock] = (payments[-1][1], cents)
        self._put("orders", "order_id,customer_id,amount,state,changed", orders)
        self._put("payments", "payment_id,order_id,cents", payments)
        self._merge()

    def _merge(self) -> None:
        """What is wrong is kept back, and its order stays as it was."""
        self.refused = {number for number, (_, amount, _) in self._last.items() if amount < 0}
        for number, (customer, amount, state) in self._last.items():
            if amount < 0:
                continue
            self.kept.pop(number, None)
            if state != "cancelled":
                self.kept[number] = (customer, amount)

    def due(self, number: int) -> Decimal:
        """What is still to be paid of an order."""
        cents = sum(cents for order, cents in self.paid.values() if order == number)
        return self.kept[number][1] - cents * CENT

    def balances(self) -> dict[int, tuple[str, int, Decimal]]:
        """The name, the number of orders and the sum that is due, of each customer."""
        of = {person: [n for n, (customer, _) in self.kept.items() if customer == person] for person in self.people}
        return {p: (self.people[p], len(own), sum((self.due(n) for n in own), Decimal(0))) for p, own in of.items()}

    def _put(self, folder: str, header: str, lines: list[tuple[object, ...]]) -> None:
        self._files += 1
        path = self.landing / folder / f"{self._files:03}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header.split(","), *lines])
        os.utime(path, (QUIET, QUIET))
