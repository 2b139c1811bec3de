// SPDX-License-Identifier: Apache-2.0
// A store in memory, for a backend whose packed weight is a string.
#include <iostream>
#include <map>
#include <string>

#include <dnalm/backend/pack_store.hpp>

class memory_store final : public dnalm::pack_store<std::string> {
 public:
  std::string find_or_pack(const std::string& name, dnalm::index_t, dnalm::index_t, bool,
                           const std::function<std::string()>& pack) override {
    const auto found = kept_.find(name);
    return found == kept_.end() ? kept_[name] = pack() : found->second;
  }

 private:
  std::map<std::string, std::string> kept_;
};

int main() {
  memory_store store;
  for (int load = 0; load < 2; ++load) {
    std::cout << store.find_or_pack("dense.weight", 2, 3, false, [] {
      std::cout << "packed: ";
      return std::string("2 x 3 numbers");
    }) << "\n";
  }
}
