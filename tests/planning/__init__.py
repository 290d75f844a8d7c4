"""Planning: differences, causes, the guard, plan files, rendering. All pure, so no component runs."""
