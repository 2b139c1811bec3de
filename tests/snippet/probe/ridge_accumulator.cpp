// SPDX-License-Identifier: Apache-2.0
// An evaluation asks a maker for accumulators: one that gathers on the CPU within a budget of its own.
#include <iostream>
#include <memory>

#include <dnalm/probe/ridge_accumulator.hpp>
#include <dnalm/probe/ridge_statistics.hpp>

class thrifty : public dnalm::ridge_accumulator_maker {
 public:
  bool fits(const dnalm::ridge_shape& shape, dnalm::index_t count) const override {
    return dnalm::ridge_statistics::bytes(shape.features, shape.targets, shape.parts, 1) * count < 1000000;
  }
  std::unique_ptr<dnalm::ridge_accumulator> make(const dnalm::ridge_shape& shape) const override {
    return std::make_unique<dnalm::ridge_statistics>(shape.features, shape.targets, shape.parts);
  }
};

int main() {
  const thrifty maker;
  const dnalm::ridge_shape shape{.features = 64, .targets = 1, .parts = 2};
  std::cout << std::boolalpha << maker.fits(shape, 1) << " " << maker.fits(shape, 100) << ", "
            << maker.make(shape)->parts() << " parts\n";
}
