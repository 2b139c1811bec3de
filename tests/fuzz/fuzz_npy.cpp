// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as an npy array (read, converted, written again); those that begin with `PK` as an npz
/// archive.
///
/// Arrays are also read out of an npz around them, stored and deflated.
#include <cstring>

#include <dnalm/io/npy.hpp>
#include <dnalm/io/npz.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;
using dnalm::io::npy_array;

void check_numbers(const npy_array& array) {
  const auto count = static_cast<std::size_t>(array.size());
  promise(array.data.size() == count * static_cast<std::size_t>(dnalm::size_of(array.type)),
          "data fit the shape");
  promise(array.values<double>().size() == count, "as many numbers as the shape says");
  guarded(
      [&] { promise(array.values<std::int32_t>().size() == count, "as many integers as the shape says"); });
  guarded([&] { promise(array.values<std::uint8_t>().size() == count, "as many bytes as the shape says"); });
  guarded(
      [&] { promise(array.values<std::int64_t>().size() == count, "as many integers as the shape says"); });
  std::string file;
  if (!guarded([&] { file = dnalm::io::npy_header(array.type, array.shape); }))
    finding("no header for what was read");
  file.append(reinterpret_cast<const char*>(array.data.data()), array.data.size());
  const npy_array again = dnalm::io::parse_npy(as_bytes(file), "again");
  promise(again.type == array.type && again.shape == array.shape && again.data == array.data,
          "numbers survive");
}

void check_texts(const npy_array& array) {
  promise(array.texts().size() == static_cast<std::size_t>(array.size()), "as many texts as the shape says");
  if (array.shape.size() != 1 || array.size() == 0) return;
  std::vector<std::byte> file;
  if (!guarded([&] { file = dnalm::io::npy_from_strings(array.texts()); })) return;  // texts with a last zero
  promise(dnalm::io::parse_npy(file, "again").texts() == array.texts(), "texts survive");
}

void check_array(const npy_array& array) {
  if (array.size() > (index_t{1} << 22)) return;  // texts of no letters make large arrays of small files
  if (array.is_text)
    check_texts(array);
  else
    check_numbers(array);
}

void read_archive(const std::string& path) {
  const dnalm::io::zip_limits limits{
      .entries = 64, .entry_bytes = index_t{1} << 20, .total_bytes = index_t{1} << 21};
  guarded(
      [&] {
        const dnalm::io::npz_reader archive(path, limits);
        for (const auto& name : archive.names()) {
          promise(archive.contains(name), "arrays are found by name");
          guarded([&] { check_array(archive.read(name)); }, path);
        }
      },
      path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memory_file file("npz");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.substr(0, 2) == "PK") {
    file.fill(text);
    read_archive(file.path());
    return 0;
  }
  guarded([&] { check_array(dnalm::io::parse_npy(as_bytes(text), "an array")); }, "an array");
  if (size % 16 != 0) return 0;
  zip_builder archive;
  archive.add("stored.npy", text);
  archive.add("deflated.npy", text, true);
  file.fill(archive.finish());
  read_archive(file.path());
  return 0;
}
