// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the tests of binary files share: a temporary folder, bytes of files with and without lies.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/io/zip_writer.hpp>

#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

namespace dnalm_test {

/// A folder in memory where the system has such: these tests write thousands of small files.
class memory_folder : public temporary_folder {
 public:
  memory_folder() : temporary_folder("memory", parent()) {}

 private:
  static std::filesystem::path parent() {
    std::error_code failure;
    const bool memory = std::filesystem::is_directory("/dev/shm", failure) && ::access("/dev/shm", W_OK) == 0;
    return memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
  }
};

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

/// A number as `width` little-endian bytes.
inline std::string little(std::uint64_t value, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
  return bytes;
}

/// The bytes of numbers.
template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A safetensors file of a header text and data; the length is told truly.
inline std::string safetensors_bytes(const std::string& header, const std::string& data = "") {
  return little(header.size(), 8) + header + data;
}

/// Replaces a little-endian field at `field` bytes after the nth occurrence of a ZIP signature such as
/// "PK\1\2".
inline std::string lie(std::string zip, std::string_view signature, int nth, std::size_t field,
                       std::uint64_t value, int width) {
  std::size_t at = zip.find(signature);
  for (int i = 0; i < nth; ++i) at = zip.find(signature, at + 1);
  REQUIRE(at != std::string::npos);
  return zip.replace(at + field, static_cast<std::size_t>(width), little(value, width));
}

inline constexpr std::string_view local_header = "PK\3\4";
inline constexpr std::string_view directory_record = "PK\1\2";
inline constexpr std::string_view end_record = "PK\5\6";

struct member {
  std::string name;
  std::string content;
  bool deflate = false;
};

/// A valid archive.
inline std::string zip_bytes(const std::vector<member>& members) {
  const memory_folder folder;
  dnalm::io::zip_writer writer(folder / "x.zip");
  for (const member& m : members) {
    writer.add(m.name, bytes_of(m.content),
               m.deflate ? dnalm::io::zip_method::deflated : dnalm::io::zip_method::stored);
  }
  writer.finish();
  return content_of(folder / "x.zip");
}

/// Pieces of pickles (protocol 2).
namespace pickled {

inline const std::string begin = std::string("\x80\x02", 2);
inline const std::string mark = "(";

inline std::string text(const std::string& value) {
  return "X" + little(value.size(), 4) + value;
}
inline std::string integer(std::int64_t value) {
  return "\x8a\x08" + little(static_cast<std::uint64_t>(value), 8);
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string pickle = mark;
  for (const std::string& item : items) pickle += item;
  return pickle + "t";
}
inline std::string numbers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const auto value : values) items.push_back(integer(value));
  return tuple(items);
}
inline std::string call(const std::string& callable, const std::vector<std::string>& arguments) {
  return callable + tuple(arguments) + "R";
}
/// A dictionary of alternating keys and values.
inline std::string dictionary(const std::vector<std::string>& items) {
  std::string pickle = "}(";
  for (const std::string& item : items) pickle += item;
  return pickle + "u";
}
inline std::string storage(const std::string& type, const std::string& key, std::int64_t count,
                           const std::string& module = "torch") {
  return tuple({text("storage"), global(module, type), text(key), text("cpu"), integer(count)}) + "Q";
}
inline std::string tensor(const std::string& storage_pickle, std::int64_t offset,
                          const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides,
                          const std::string& function = "_rebuild_tensor_v2") {
  return call(global("torch._utils", function),
              {storage_pickle, integer(offset), numbers(shape), numbers(strides), "\x89",
               call(global("collections", "OrderedDict"), {})});
}

}  // namespace pickled

/// A PyTorch file of a pickle (without protocol and STOP) and its storages.
inline std::string torch_bytes(const std::string& pickle, const std::vector<member>& storages = {},
                               bool deflate = false) {
  std::vector<member> members{{"archive/data.pkl", pickled::begin + pickle + ".", deflate},
                              {"archive/byteorder", "little"}};
  for (const member& m : storages)
    members.push_back({"archive/data/" + m.name, m.content, deflate || m.deflate});
  members.push_back({"archive/version", "3\n"});
  return zip_bytes(members);
}

/// Calls `open(path)` on every truncation of a file and on files with changed bytes: each call must return or
/// throw dnalm::error. Returns how many calls threw.
template <class Open>
int survive_damage(const std::string& bytes, const std::string& name, Open&& open) {
  const memory_folder folder;
  int errors = 0;
  const auto attempt = [&](const std::string& damaged, const std::string& what) {
    const auto path = folder.write(name, damaged);
    try {
      open(path);
    } catch (const dnalm::error&) {
      ++errors;
    } catch (const std::exception& e) {
      FAIL(name << ", " << what << ": " << e.what());
    }
  };
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    attempt(bytes.substr(0, size), "cut to " + std::to_string(size));
  }
  dnalm::philox random(1, dnalm::hash_name(name));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(random.next_u32());
    attempt(damaged, "byte " + std::to_string(at));
  }
  for (int round = 0; round < 1000; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 3; ++i) damaged[random.below(bytes.size())] = static_cast<char>(random.next_u32());
    attempt(damaged, "round " + std::to_string(round));
  }
  return errors;
}

}  // namespace dnalm_test
