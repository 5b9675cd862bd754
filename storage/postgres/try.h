// A call that can fail, in the middle of a function that fails with it. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_TRY_H_
#define PARLEY_STORAGE_POSTGRES_TRY_H_

// NOLINTBEGIN(bugprone-macro-parentheses): names and declarations stand in none
#define PARLEY_TRY_NAME2(line) parley_try_##line
#define PARLEY_TRY_NAME(line) PARLEY_TRY_NAME2(line)
#define PARLEY_TRY_AS(name, target, expression) \
  auto name = (expression);                     \
  if (!name) return name.error();               \
  target = std::move(*name)

// ASSIGN_OR_RETURN(const Rows rows, change.run(...));
#define ASSIGN_OR_RETURN(target, expression) PARLEY_TRY_AS(PARLEY_TRY_NAME(__LINE__), target, expression)
#define RETURN_IF_FAULT(expression) \
  if (auto parley_try_result = (expression); !parley_try_result) return parley_try_result.error()
// NOLINTEND(bugprone-macro-parentheses)

#endif
