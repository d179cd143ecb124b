// Shared libraries that are looked for when they are first needed: nothing of them is needed to build or load the addon.
#pragma once

#include <string>
#include <vector>

namespace gauntlet {

class Library {
 public:
  /// The first of these files that loads; it stays. `global`: its symbols are there for what it loads itself.
  explicit Library(const std::vector<std::string>& names, bool global = false);

  bool loaded() const { return handle_ != nullptr; }
  /// Why none of the files was loaded, a line each.
  const std::string& reasons() const { return reasons_; }

  /// Whether the library has a function or an object of this name, which `symbol` is then.
  template <typename Symbol>
  bool find(const char* name, Symbol& symbol) const {
    void* const found = address(name);
    if (found != nullptr) symbol = reinterpret_cast<Symbol>(found);
    return found != nullptr;
  }

 private:
  void* address(const char* name) const;

  void* handle_ = nullptr;
  std::string reasons_;
};

}  // namespace gauntlet
