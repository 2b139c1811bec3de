// SPDX-License-Identifier: Apache-2.0
// Memory on a GPU has one owner and views of its own type; an empty buffer needs no GPU.
#include <iostream>
#include <type_traits>

#include <dnalm/cuda/device_buffer.hpp>

using vector = dnalm::device_buffer<float>;

int main() {
  std::cout << "copied: " << std::is_copy_constructible_v<vector> << ", moved: "
            << std::is_nothrow_move_constructible_v<vector> << "\n";
  using view = decltype(std::declval<vector&>().view());
  std::cout << "seen on the GPU: " << std::is_same_v<view, dnalm::device_vector<float>> << ", on the host: "
            << std::is_convertible_v<view, dnalm::vector_view<float>> << "\n";
}
