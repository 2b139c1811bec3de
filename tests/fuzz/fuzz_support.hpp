// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the fuzz targets share: inputs as files in memory, guarded calls, promises that end the
/// process.
///
/// A target is one function, `LLVMFuzzerTestOneInput(data, size)`. It may return or meet a dnalm::error;
/// anything else (another exception, a broken promise, a sanitizer's report) ends the process and is a
/// finding.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/types.hpp>

#include <support/zip_builder.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace dnalm_fuzz {

using dnalm::index_t;

/// Ends the process with a message: a finding.
[[noreturn]] inline void finding(const std::string& what) {
  std::fprintf(stderr, "finding: %s\n", what.c_str());
  std::abort();
}

/// A promise of the library that holds for every input.
inline void promise(bool holds, const char* what) {
  if (!holds) finding(std::string("broken promise: ") + what);
}

/// Runs `call`; true when it returns, false when it throws dnalm::error, whose message must be one line that
/// names `where` (unless that is empty).
template <class Call>
bool guarded(Call&& call, std::string_view where = {}) {
  try {
    call();
    return true;
  } catch (const dnalm::error& e) {
    const std::string_view line = e.what();
    promise(line.find('\n') == std::string_view::npos, "an error message is one line");
    promise(e.kind() != dnalm::error_kind::internal, "input never shows up as an internal error");
    if (!where.empty() && line.find(where) == std::string_view::npos) {
      finding("the message does not name the file: " + std::string(line));
    }
  } catch (const std::exception& e) {
    finding(std::string("an exception that is no dnalm::error: ") + e.what());
  }
  return false;
}

/// The bytes of an input, cut from the front as a target takes them.
class input {
 public:
  input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  /// The next byte; 0 at the end.
  [[nodiscard]] unsigned byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  /// The next bytes, fewer at the end.
  [[nodiscard]] std::string_view take(std::size_t size) {
    const std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(part.size());
    return part;
  }
  /// Up to the line `%%` (which is dropped), or everything.
  [[nodiscard]] std::string_view section() {
    const std::size_t mark = rest_.find("\n%%\n");
    if (mark == std::string_view::npos) return take(rest_.size());
    const std::string_view part = take(mark);
    rest_.remove_prefix(4);
    return part;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

/// A file that lives in memory. Its path is a name of this process (`/proc/self/fd/N`).
class memory_file {
 public:
  explicit memory_file(const char* name) : descriptor_(::memfd_create(name, MFD_CLOEXEC)) {
    if (descriptor_ < 0) finding("memfd_create failed");
  }
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;
  ~memory_file() { ::close(descriptor_); }

  /// Replaces the content.
  void fill(std::string_view text) {
    if (::ftruncate(descriptor_, 0) != 0) finding("ftruncate failed");
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t count =
          ::pwrite(descriptor_, text.data() + done, text.size() - done, static_cast<off_t>(done));
      if (count <= 0) finding("writing a file in memory failed");
      done += static_cast<std::size_t>(count);
    }
  }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// A folder of this process in shared memory, removed when the process ends regularly.
class memory_folder {
 public:
  explicit memory_folder(const std::string& name) {
    const std::filesystem::path shared = "/dev/shm";
    std::error_code code;
    path_ = std::filesystem::is_directory(shared, code) ? shared : std::filesystem::temp_directory_path();
    path_ /= "dnalm_fuzz_" + name + "_" + std::to_string(::getpid());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  memory_folder(const memory_folder&) = delete;
  memory_folder& operator=(const memory_folder&) = delete;
  ~memory_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  /// Writes a file of the folder, in place.
  void write(const std::string& name, std::string_view text) const {
    std::FILE* file = std::fopen((path_ / name).c_str(), "wb");
    if (file == nullptr) finding("cannot write " + name);
    if (!text.empty() && std::fwrite(text.data(), 1, text.size(), file) != text.size())
      finding("cannot write " + name);
    std::fclose(file);
  }
  void remove(const std::string& name) const {
    std::error_code ignored;
    std::filesystem::remove(path_ / name, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

using dnalm_test::compressed;
using dnalm_test::zip_builder;

}  // namespace dnalm_fuzz
