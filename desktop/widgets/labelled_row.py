"""The words at the left, a field at the right."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from desktop.widgets.slider_row import LABEL_PX


def lay_labelled(row: QWidget, name: str, field: QWidget) -> None:
    """Lay a label, whose buddy the field is, and the field into a row, in line with sliders."""
    label = QLabel(name)
    label.setFixedWidth(LABEL_PX)
    label.setBuddy(field)
    field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 2, 20, 2)
    line.setSpacing(4)
    line.addWidget(label)
    line.addWidget(field, 1)
