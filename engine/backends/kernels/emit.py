"""A few words in which the kernels are written: loops, loads, stores and vectors of floats.

They put LLVM's instructions together (llvmlite), which turns them into code for the processor at
hand when the program runs; nobody needs a compiler. Offsets count floats, not bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

FLOAT = ir.FloatType()
INT = ir.IntType(64)
POINTER = FLOAT.as_pointer()
INTS = INT.as_pointer()


class Emit:
    """One function being written. kinds: one letter an argument, in order.

    "p" a pointer to floats, "q" a pointer to 64-bit integers, "i" such an integer, "f" a float.
    lanes: how many floats a vector holds.
    """

    def __init__(self, module: ir.Module, name: str, kinds: str, lanes: int) -> None:
        types = {"p": POINTER, "q": INTS, "i": INT, "f": FLOAT}
        signature = ir.FunctionType(ir.VoidType(), [types[kind] for kind in kinds])
        self.function = ir.Function(module, signature, name)
        self.function.attributes.add("nounwind")
        self.kinds, self.lanes = kinds, lanes
        self.vector = ir.VectorType(FLOAT, lanes)
        entry = self.function.append_basic_block("entry")
        self._places = ir.IRBuilder(entry)
        body = self.function.append_basic_block("body")
        self.b = ir.IRBuilder(body)
        self._body = body
        self._module = module

    @property
    def args(self) -> Sequence[Any]:
        """The arguments."""
        found: Sequence[Any] = self.function.args
        return found

    def done(self) -> None:
        """Close the function."""
        self.b.ret_void()
        self._places.branch(self._body)

    @contextmanager
    def loop(self, stop: Any, start: Any = 0, step: Any = 1) -> Iterator[Any]:
        """for index in range(start, stop, step)."""
        start, stop, step = (self.number(value) for value in (start, stop, step))
        before = self.b.block
        head, body, after = (self.function.append_basic_block() for _ in range(3))
        self.b.branch(head)
        self.b.position_at_end(head)
        index = self.b.phi(INT)
        index.add_incoming(start, before)
        self.b.cbranch(self.b.icmp_signed("<", index, stop), body, after)
        self.b.position_at_end(body)
        yield index
        index.add_incoming(self.b.add(index, step), self.b.block)
        self.b.branch(head)
        self.b.position_at_end(after)

    def number(self, value: Any) -> Any:
        """A whole number as an operand."""
        return ir.Constant(INT, value) if isinstance(value, int) else value

    def sum(self, *terms: Any) -> Any:
        """Whole numbers added up; a tuple among them is a product."""
        total = None
        for term in terms:
            value = self.number(term) if not isinstance(term, tuple) else self._product(term)
            total = value if total is None else self.b.add(total, value)
        return total

    def _product(self, factors: tuple[Any, ...]) -> Any:
        value = self.number(factors[0])
        for factor in factors[1:]:
            value = self.b.mul(value, self.number(factor))
        return value

    def at(self, pointer: Any, *terms: Any) -> Any:
        """The pointer moved by the sum of the terms."""
        return self.b.gep(pointer, [self.sum(*terms)])

    def scalar(self, pointer: Any, *terms: Any) -> Any:
        """The number that lies there."""
        return self.b.load(self.at(pointer, *terms) if terms else pointer)

    def load(self, pointer: Any, *terms: Any, lanes: int | None = None) -> Any:
        """A vector from there; it need not be aligned."""
        vector = self.vector if lanes is None else ir.VectorType(FLOAT, lanes)
        place = self.at(pointer, *terms) if terms else pointer
        return self.b.load(self.b.bitcast(place, vector.as_pointer()), align=4)

    def store(self, value: Any, pointer: Any, *terms: Any) -> None:
        """A vector or a number to there."""
        place = self.at(pointer, *terms) if terms else pointer
        self.b.store(value, self.b.bitcast(place, value.type.as_pointer()), align=4)

    def splat(self, value: Any, lanes: int | None = None) -> Any:
        """A vector that holds one number in every lane."""
        count = lanes or self.lanes
        vector = ir.VectorType(FLOAT, count)
        if isinstance(value, float | int):
            return ir.Constant(vector, [float(value)] * count)
        one = self.b.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(INT, 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
        return self.b.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)

    def fma(self, a: Any, x: Any, y: Any) -> Any:
        """a x + y, rounded once."""
        return self.b.call(self._intrinsic("llvm.fma", a.type, 3), [a, x, y])

    def largest(self, a: Any, x: Any) -> Any:
        """The larger one, lane by lane."""
        return self.b.select(self.b.fcmp_ordered(">", a, x), a, x)

    def smallest(self, a: Any, x: Any) -> Any:
        """The smaller one, lane by lane."""
        return self.b.select(self.b.fcmp_ordered("<", a, x), a, x)

    def place(self, kind: Any, count: int = 1) -> Any:
        """Room on the stack for so many values of a type."""
        return self._places.alloca(kind, count)

    def combined(self, factors: Sequence[float], values: Sequence[Any]) -> Any:
        """The sum of constants times vectors, None where all constants are zero."""
        total = None
        for factor, value in zip(factors, values, strict=True):
            if factor == 0 or value is None:
                continue
            if total is None:
                total = value if factor == 1 else self.b.fmul(value, self._like(factor, value))
            elif factor == 1:
                total = self.b.fadd(total, value)
            elif factor == -1:
                total = self.b.fsub(total, value)
            else:
                total = self.fma(value, self._like(factor, value), total)
        return total

    def _like(self, factor: float, value: Any) -> Any:
        return self.splat(float(factor), value.type.count)

    def whole(self, value: Any, most: float) -> Any:
        """16-bit whole numbers nearest to the floats, limited to [-most, most]."""
        value = self.largest(self.smallest(value, self.splat(most)), self.splat(-most))
        nearest = self.b.call(self._intrinsic("llvm.rint", value.type, 1), [value])
        wide = self.b.fptosi(nearest, ir.VectorType(ir.IntType(32), self.lanes))
        return self.b.trunc(wide, ir.VectorType(ir.IntType(16), self.lanes))

    def loaded(self, short: bool, pointer: Any, *terms: Any) -> Any:
        """A vector from there, of 32-bit whole numbers where `short`."""
        value = self.load(pointer, *terms)
        if not short:
            return value
        bits = self.b.bitcast(value, ir.VectorType(ir.IntType(32), self.lanes))
        return self.b.sitofp(bits, self.vector)

    def leaky_clamped(self, x: Any, slope: Any, limit: Any) -> Any:
        """max(x, slope x), limited to [-limit, limit]; slope in [0, 1], all vectors."""
        x = self.largest(x, self.b.fmul(x, slope))
        x = self.smallest(x, limit)
        return self.largest(x, self.b.fneg(limit))

    def _intrinsic(self, name: str, kind: Any, count: int) -> Any:
        full = f"{name}.v{kind.count}f32"
        if full in self._module.globals:
            return self._module.globals[full]
        return ir.Function(self._module, ir.FunctionType(kind, [kind] * count), full)
