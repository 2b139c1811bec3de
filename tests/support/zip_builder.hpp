// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Compressed texts and ZIP archives made in memory, for hostile files and fuzz targets.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace dnalm_test {

/// A raw deflate stream (`window` -15) or a gzip one (31) of `text`.
[[nodiscard]] inline std::string compressed(std::string_view text, int window) {
  z_stream stream{};
  if (deflateInit2(&stream, 1, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

/// Builds a ZIP archive in memory with right checksums, so that a test or a fuzz target reaches what lies
/// behind them.
class zip_builder {
 public:
  void add(std::string_view name, std::string_view content, bool deflated = false) {
    const std::string packed = deflated ? compressed(content, -15) : std::string();
    const std::string_view stored = deflated ? std::string_view(packed) : content;
    std::string common;
    put(common, 20, 2);
    put(common, 0, 2);
    put(common, deflated ? 8 : 0, 2);
    put(common, 0, 4);
    const auto crc =
        ::crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
    put(common, crc, 4);
    put(common, stored.size(), 4);
    put(common, content.size(), 4);
    put(common, name.size(), 2);
    put(common, 0, 2);
    put(directory_, 0x02014b50, 4);
    put(directory_, 20, 2);
    directory_ += common;
    put(directory_, 0, 2);
    put(directory_, 0, 2);
    put(directory_, 0, 2);
    put(directory_, 0, 4);
    put(directory_, archive_.size(), 4);
    directory_ += name;
    put(archive_, 0x04034b50, 4);
    archive_ += common;
    archive_ += name;
    archive_ += stored;
    ++count_;
  }
  [[nodiscard]] std::string finish() {
    std::string whole = archive_ + directory_;
    put(whole, 0x06054b50, 4);
    put(whole, 0, 4);
    put(whole, count_, 2);
    put(whole, count_, 2);
    put(whole, directory_.size(), 4);
    put(whole, archive_.size(), 4);
    put(whole, 0, 2);
    return whole;
  }

 private:
  static void put(std::string& to, std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) to += static_cast<char>(value >> (8 * i));
  }

  std::string archive_;
  std::string directory_;
  std::uint64_t count_ = 0;
};

}  // namespace dnalm_test
