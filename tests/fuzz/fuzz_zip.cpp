// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as a ZIP archive: every member is read, and written into a new archive that reads the
/// same.
#include <dnalm/io/zip_reader.hpp>
#include <dnalm/io/zip_writer.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;
using dnalm::io::zip_reader;

void check_bounds(const zip_reader& archive, std::size_t file_size) {
  for (const auto& entry : archive.entries()) {
    promise(entry.data_offset >= 0 && entry.stored_size >= 0 && entry.size >= 0, "sizes are not negative");
    promise(static_cast<std::size_t>(entry.data_offset + entry.stored_size) <= file_size,
            "members lie in the file");
    promise(archive.contains(entry.name), "members are found by name");
  }
}

void check_members(const zip_reader& archive, const std::string& path) {
  static const memory_folder folder("zip");
  const auto again_path = folder.path() / "again.zip";
  dnalm::io::zip_writer again(again_path);
  std::vector<std::pair<std::string, std::vector<std::byte>>> written;
  for (const auto& entry : archive.entries()) {
    std::vector<std::byte> bytes;
    const bool read = guarded([&] { bytes = archive.read(entry); }, path);
    promise(read == guarded([&] { archive.verify(entry); }, path), "verify agrees with read");
    archive.forget(entry);
    if (!read) continue;
    promise(static_cast<index_t>(bytes.size()) == entry.size, "a member has the size it states");
    promise(dnalm::io::crc32_of(bytes) == entry.crc, "a member has the CRC it states");
    if (entry.name.empty()) continue;
    again.add(entry.name, bytes,
              written.size() % 2 == 0 ? dnalm::io::zip_method::stored : dnalm::io::zip_method::deflated);
    written.emplace_back(entry.name, std::move(bytes));
  }
  again.finish();
  const zip_reader copy(again_path);
  promise(copy.entries().size() == written.size(), "all members survive");
  for (const auto& [name, bytes] : written) promise(copy.read(name) == bytes, "bytes survive");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memory_file file("zip");
  const std::string path = file.path();
  file.fill({reinterpret_cast<const char*>(data), size});
  const dnalm::io::zip_limits limits{
      .entries = 64, .entry_bytes = index_t{1} << 20, .total_bytes = index_t{1} << 21};
  guarded(
      [&] {
        const zip_reader archive(path, limits);
        check_bounds(archive, size);
        check_members(archive, path);
      },
      path);
  guarded([&] { const zip_reader archive(path, limits, dnalm::io::file_access::buffered); }, path);
  return 0;
}
