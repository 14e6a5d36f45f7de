"""A project: the Recipes somebody works on, and what they need, in one file."""

from engine.project.favourites import Favourite, Favourites
from engine.project.file import load, save
from engine.project.recovery import Autosave, Recent
from engine.project.values import Entry, Project

__all__ = ["Autosave", "Entry", "Favourite", "Favourites", "Project", "Recent", "load", "save"]
