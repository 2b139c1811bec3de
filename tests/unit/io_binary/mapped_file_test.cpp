// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/stored_tensor.hpp>

#include <numeric>

#include <unit/io_binary/binary_files.hpp>

using dnalm::index_t;
using dnalm::io::file_access;
using dnalm::io::mapped_file;
using dnalm_test::error_id_of;
using dnalm_test::memory_folder;

namespace {

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 16);
  return bytes;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("mapped file: any part has the file's bytes, also after its pages were given back", "[io_binary]") {
  const memory_folder folder;
  const std::string bytes = pattern(300'001);
  const auto path = folder.write("x", bytes);
  for (const file_access access : {file_access::mapped, file_access::buffered}) {
    mapped_file opened(path, access);
    const mapped_file file = std::move(opened);
    dnalm::philox random(3);
    for (int i = 0; i < 400; ++i) {
      const std::size_t first = random.below(bytes.size() + 1);
      const std::size_t size = random.below(bytes.size() - first + 1);
      const auto part = file.bytes(first, size);
      REQUIRE(text_of(part) == bytes.substr(first, size));
      if (i % 3 == 0) file.forget(part);
    }
    REQUIRE(text_of(file.bytes()) == bytes);
    file.forget(file.place(0, file.size()));
    REQUIRE(text_of(file.bytes()) == bytes);
  }
}

TEST_CASE("mapped file: a shortened file is an error when it is buffered", "[io_binary]") {
  const memory_folder folder;
  const auto path = folder.write("x", pattern(200'000));
  const mapped_file file(path, file_access::buffered);
  (void)file.bytes(0, 100);
  std::filesystem::resize_file(path, 50'000);
  (void)file.bytes(20'000, 100);
  REQUIRE(error_id_of([&] { (void)file.bytes(150'000, 1); }) == "dnalm.io.299");
  REQUIRE(error_id_of([&] { (void)file.bytes(); }) == "dnalm.io.299");
  const mapped_file empty(folder.write("empty", ""), file_access::buffered);
  REQUIRE(empty.bytes().empty());
}

TEST_CASE("stored tensor: every order of strides reads in logical order", "[io_binary]") {
  std::vector<float> numbers(5 * 70 * 40);
  std::iota(numbers.begin(), numbers.end(), 0.0F);
  std::vector<index_t> order = {0, 1, 2};
  const std::vector<index_t> extents = {5, 70, 40};
  do {
    // Axis order[0] is the slowest in memory.
    dnalm::io::stored_tensor tensor;
    tensor.info.shape = extents;
    tensor.strides.resize(3);
    index_t stride = 1;
    for (std::size_t a = 3; a-- > 0;) {
      tensor.strides[static_cast<std::size_t>(order[a])] = stride;
      stride *= extents[static_cast<std::size_t>(order[a])];
    }
    tensor.bytes = std::as_bytes(std::span<const float>(numbers));
    std::vector<float> floats(numbers.size());
    std::vector<double> doubles(numbers.size());
    dnalm::io::read_stored(tensor, std::span<float>(floats));
    dnalm::io::read_stored(tensor, std::span<double>(doubles));
    std::size_t at = 0;
    for (index_t i = 0; i < extents[0]; ++i) {
      for (index_t j = 0; j < extents[1]; ++j) {
        for (index_t k = 0; k < extents[2]; ++k, ++at) {
          const index_t place = i * tensor.strides[0] + j * tensor.strides[1] + k * tensor.strides[2];
          if (floats[at] != static_cast<float>(place) || doubles[at] != static_cast<double>(place)) {
            FAIL("order " << order[0] << order[1] << order[2] << ", element " << at);
          }
        }
      }
    }
  } while (std::next_permutation(order.begin(), order.end()));
}
