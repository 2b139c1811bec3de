// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Options that several programs share.
#pragma once

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdint>
#include <string>

#include <dnalm/backend/weight_format.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/progress.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/embed/window_rule.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/sequence/alphabet.hpp>

namespace program {

/// `--device --gpu-mode --precision --threads --seed --memory --quiet`.
struct common_options {
  std::string device = "cpu";
  std::string gpu_mode = "deterministic";
  std::string precision = "f32";
  int threads = 0;
  std::uint64_t seed = 1;
  std::string memory = "2G";
  bool quiet = false;

  /// As check_common has found it to be one.
  [[nodiscard]] dnalm::weight_format weights() const {
    using dnalm::weight_format;
    return precision == "bf16"   ? weight_format::bf16
           : precision == "int8" ? weight_format::int8
                                 : weight_format::f32;
  }
  [[nodiscard]] dnalm::progress_display display() const {
    return quiet ? dnalm::progress_display::never : dnalm::progress_display::terminal;
  }
};

/// Refuses an empty path, which would mean the current folder.
inline CLI::Validator not_empty() {
  return {[](std::string& text) { return text.empty() ? std::string("is empty") : std::string(); }, ""};
}

/// Refuses a sign, which a conversion to a number without one would take for 2^64 less.
inline CLI::Validator not_negative() {
  return {[](std::string& text) {
            return text.starts_with('-') ? "Value " + text + " not in range 0 to 2^64 - 1" : std::string();
          },
          ""};
}

inline void add_common(CLI::App& app, common_options& options) {
  app.option_defaults()->group("Running");
  app.add_option("--device", options.device,
                 "cpu, cuda (the first GPU), cuda:i (number i); nothing falls back to the CPU by itself")
      ->capture_default_str();
  app.add_option("--gpu-mode", options.gpu_mode,
                 "deterministic: a sequence's numbers do not depend on its batch, and too little memory on\n"
                 "the GPU is an error; fast: the last bits may depend on the batch, and a batch without\n"
                 "memory runs in halves")
      ->capture_default_str()
      ->check(CLI::IsMember({"deterministic", "fast"}));
  app.add_option("--precision", options.precision,
                 "f32; bf16: weights and what they are multiplied with rounded to bfloat16 (sums\n"
                 "stay float): half the memory, twice as fast where the CPU has AVX512-BF16;\n"
                 "int8: weights rounded to 255 steps by output channel")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Worker threads; 0: all cores")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));
  app.add_option("--seed", options.seed, "Seed of everything that is drawn")
      ->capture_default_str()
      ->check(not_negative());
  app.add_option("--memory", options.memory, "Memory budget, e.g. 500M or 4G; never changes a number")
      ->capture_default_str();
  app.add_flag("--quiet", options.quiet, "No progress on the terminal");
  app.option_defaults()->group("Options");
}

/// A size with an optional suffix K, M, G or T (powers of 1024). \throws error [dnalm.usage.706].
inline dnalm::index_t parse_bytes(const std::string& text) {
  const auto bad = [&] {
    return dnalm::error(
        dnalm::error_kind::usage, 706, "--memory is no size",
        {.expected = "a number of bytes, or one with K, M, G or T", .found = "'" + text + "'"});
  };
  const std::size_t digits = text.find_first_not_of("0123456789.");
  const std::string number = text.substr(0, digits);
  std::string unit = digits == std::string::npos ? "" : text.substr(digits);
  if (unit.size() > 1 && (unit.substr(1) == "B" || unit.substr(1) == "iB")) unit.resize(1);
  const std::size_t power = std::string("BKMGT").find(unit.empty() ? "B" : unit);
  if (number.empty() || number.size() > 18 || power == std::string::npos) throw bad();
  if (number.find('.') != number.rfind('.') || number == ".") throw bad();
  const double bytes = std::stod(number) * std::pow(1024.0, static_cast<double>(power));
  if (!(bytes >= 1.0) || bytes > 9e18) throw bad();
  return static_cast<dnalm::index_t>(bytes);
}

/// `cuda` or `cuda:N`.
[[nodiscard]] inline bool names_gpu(const std::string& device) {
  return device == "cuda" || (device.rfind("cuda:", 0) == 0 && device.size() > 5 && device.size() < 12 &&
                              device.find_first_not_of("0123456789", 5) == std::string::npos);
}

/// Refuses what is not built in. \throws error [dnalm.unsupported.700], [dnalm.usage.707].
inline void check_common(const common_options& options) {
  using dnalm::error_kind;
  const bool gpu = names_gpu(options.device);
#if !DNALM_PROGRAM_CUDA
  if (gpu) {
    throw dnalm::error(
        error_kind::unsupported, 700, "this program was built without CUDA",
        {.expected = "--device cpu, or a build with the CUDA Toolkit and -DDNALM_BUILD_CUDA=ON",
         .found = "--device " + options.device});
  }
#endif
  const auto& precision = options.precision;
  const bool known = precision == "f32" || precision == "bf16" || precision == "int8";
  if ((!gpu && options.device != "cpu") || !known) {
    throw dnalm::error(error_kind::usage, 707, "unknown device or precision",
                       {.expected = "--device cpu|cuda[:i], --precision f32|bf16|int8",
                        .found = "'" + options.device + "', '" + options.precision + "'"});
  }
  if (gpu && precision == "int8") {
    throw dnalm::error(error_kind::unsupported, 726, "weights of 8 bits are for the CPU only",
                       {.expected = "--precision f32|bf16 with --device cuda", .found = precision});
  }
  static_cast<void>(parse_bytes(options.memory));
}

/// `--unknown` and `--literal`.
struct letter_options {
  std::string unknown = "error";
  bool literal = false;

  [[nodiscard]] dnalm::unknown_policy policy() const {
    if (literal) return dnalm::unknown_policy::literal;
    return unknown == "n" ? dnalm::unknown_policy::n : dnalm::unknown_policy::error;
  }
};

inline void add_letters(CLI::App& app, letter_options& options) {
  auto* unknown =
      app.add_option("--unknown", options.unknown, "Letters other than ACGTN: error, or read as n")
          ->capture_default_str()
          ->check(CLI::IsMember({"error", "n"}));
  app.add_flag("--literal", options.literal,
               "Pass text as the reference tokenizers would see it: case kept, special tokens recognised")
      ->excludes(unknown);
}

/// `--window`, `--overlap`, `--no-mmap` and `--pack-cache`: how a model is fed and read.
struct model_options {
  std::string window = "off";
  dnalm::index_t overlap = 0;
  bool no_mmap = false;
  std::string pack_cache = {};

  /// \throws error [dnalm.usage.461].
  [[nodiscard]] dnalm::window_rule rule() const {
    return {window == "off" ? 0 : dnalm::parse_window(window), overlap};
  }
  [[nodiscard]] dnalm::io::file_access access() const {
    return no_mmap ? dnalm::io::file_access::buffered : dnalm::io::file_access::mapped;
  }
  /// For the manifest: `off`, or both numbers.
  [[nodiscard]] std::string window_text() const {
    return window == "off" ? window : window + " tokens, overlap " + std::to_string(overlap);
  }
};

/// `--no-mmap` and `--pack-cache`.
inline void add_weight_options(CLI::App& app, model_options& options) {
  app.add_flag("--no-mmap", options.no_mmap,
               "Read weights without mapping the files, which another program may then shorten");
  app.add_option("--pack-cache", options.pack_cache,
                 "Keep packed weights in this folder: the next run maps them instead of packing the\n"
                 "model anew. As large as the weights in memory; renewed when the model changes")
      ->type_name("FOLDER")
      ->check(not_empty());
}
/// The same and `--window`, `--overlap`.
inline void add_model_options(CLI::App& app, model_options& options) {
  app.add_option("--window", options.window,
                 "Cut longer sequences into windows of N tokens (CLS and the like included); max: as many as "
                 "the model takes; off: too long is an error")
      ->capture_default_str()
      ->type_name("N|max|off");
  app.add_option("--overlap", options.overlap, "Tokens that neighbouring windows share")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000000000));
  add_weight_options(app, options);
}

}  // namespace program
