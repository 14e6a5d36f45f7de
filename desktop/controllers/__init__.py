"""One controller a task: slots in, signals out. They hold the state; they know no view."""
