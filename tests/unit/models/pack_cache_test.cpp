// SPDX-License-Identifier: Apache-2.0
// Packed weights in a file: the same numbers, used only while they are those of the model's files.
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <dnalm/cpu/pack_cache.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>
#include <support/model_folder.hpp>

namespace {

namespace fs = std::filesystem;
using dnalm::weight_format;
using dnalm_test::model_folder;
using dnalm_test::numbers_of;

const std::string sequence = "ACGTTGCAACGTAGGCTAACGTT";

struct cached_model {
  explicit cached_model(bool nt = true) : folder(nt), packs("packs") { folder.write(); }

  [[nodiscard]] std::vector<float> numbers(
      weight_format format = weight_format::f32, int threads = 1,
      dnalm::io::file_access access = dnalm::io::file_access::mapped) const {
    return numbers_of(
        dnalm::load_model(
            folder.path(),
            {.weights = format, .access = access, .pack_cache = packs.path() / "deep", .threads = threads}),
        sequence);
  }
  [[nodiscard]] std::vector<float> numbers_without(weight_format format = weight_format::f32) const {
    return numbers_of(dnalm::load_model(folder.path(), {.weights = format}), sequence);
  }
  [[nodiscard]] std::vector<fs::path> files() const {
    return {fs::directory_iterator(packs.path() / "deep"), {}};
  }
  [[nodiscard]] fs::path file() const {
    REQUIRE(files().size() == 1);
    return files().front();
  }

  model_folder folder;
  dnalm_test::temporary_folder packs;
};

std::string content(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
/// Where the first tensor's bytes begin in a safetensors file.
std::size_t data_begin(const std::string& text) {
  std::size_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(text[i]);
  return 8 + length;
}

}  // namespace

TEST_CASE("pack cache: a model from the file gives the bits of one that was packed", "[models]") {
  for (const bool nt : {true, false}) {
    for (const auto format : {weight_format::f32, weight_format::bf16, weight_format::int8}) {
      CAPTURE(nt, to_string(format));
      const cached_model model(nt);
      const std::vector<float> expected = model.numbers_without(format);
      CHECK((model.numbers(format, 2) == expected));
      const std::string written = content(model.file());
      CHECK((model.numbers(format, 2) == expected));
      CHECK((model.numbers(format, 1, dnalm::io::file_access::buffered) == expected));
      CHECK((content(model.file()) == written));
    }
  }
}

TEST_CASE("pack cache: the file is what the model is made of, and is written once", "[models]") {
  const cached_model model;
  const std::vector<float> packed = model.numbers();
  const auto written = fs::last_write_time(model.file());
  std::string text = content(model.file());
  text.replace(data_begin(text), 4, std::string("\0\0\0\x41", 4));  // 8, the first number of a panel
  dnalm_test::write_text(model.file(), text);
  fs::last_write_time(model.file(), written);
  CHECK((model.numbers() != packed));
  CHECK(fs::last_write_time(model.file()) == written);
}

TEST_CASE("pack cache: each format and each folder has a file of its own", "[models]") {
  const cached_model model;
  const auto f32 = model.numbers();
  const auto bf16 = model.numbers(weight_format::bf16);
  CHECK(model.files().size() == 2);
  CHECK((model.numbers() == f32));
  CHECK((model.numbers(weight_format::bf16) == bf16));
  const fs::path copy = model.packs.path() / "other" / model.folder.path().filename();
  fs::create_directories(copy.parent_path());
  fs::copy(model.folder.path(), copy);
  static_cast<void>(dnalm::load_model(copy, {.pack_cache = model.packs.path() / "deep"}));
  CHECK(model.files().size() == 3);
}

TEST_CASE("pack cache: other weights, another configuration or a later change make the file anew",
          "[models]") {
  cached_model model;
  const auto before = model.numbers();
  const std::string first = content(model.file());
  for (auto& [name, values] : model.folder.numbers) {
    for (float& value : values) value *= 0.5F;
  }
  model.folder.write();
  const auto after = model.numbers();
  CHECK((after != before));
  CHECK((after == model.numbers_without()));
  const std::string second = content(model.file());
  CHECK((second != first));
  model.folder.set_config("layer_norm_eps", 1e-5);
  CHECK((model.numbers() == model.numbers_without()));
  const std::string third = content(model.file());
  CHECK((third != second));
  const fs::path weights = model.folder.path() / "model.safetensors";
  fs::last_write_time(weights, fs::last_write_time(weights) + std::chrono::seconds(1));
  CHECK((model.numbers() == model.numbers_without()));
  CHECK((content(model.file()) != third));
}

TEST_CASE("pack cache: a damaged file is not used, and replaced", "[models]") {
  const std::string infinity_f32("\0\0\x80\x7F", 4);
  for (const auto format : {weight_format::f32, weight_format::bf16}) {
    const cached_model model;
    const auto expected = model.numbers(format);
    const std::string good = content(model.file());
    const std::vector<std::string> damaged = {
        "", "no safetensors", good.substr(0, good.size() - 5), good + "x",
        good.substr(0, good.size() - 4) + (format == weight_format::f32 ? infinity_f32 : "\x80\x7F\x80\x7F")};
    for (const std::string& text : damaged) {
      CAPTURE(to_string(format), text.size());
      dnalm_test::write_text(model.file(), text);
      CHECK((model.numbers(format) == expected));
      CHECK((content(model.file()) == good));
    }
  }
}

TEST_CASE("pack cache: a file with tensors of another shape, type or place is not used", "[models]") {
  const cached_model model;
  const auto expected = model.numbers();
  const std::string good = content(model.file());
  const dnalm::io::safetensors_file file(model.file());
  const auto metadata = file.metadata();
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (const auto& stored : file.stored()) {
    tensors.push_back({stored.info.name, stored.info.type, stored.info.shape, stored.bytes});
  }
  const auto check = [&](const std::vector<dnalm::io::tensor_to_write>& changed) {
    dnalm::io::write_safetensors(model.file(), changed, metadata);
    CHECK((content(model.file()) != good));
    CHECK((model.numbers() == expected));
    CHECK((content(model.file()) == good));
  };
  auto turned = tensors;
  for (auto& tensor : turned) std::swap(tensor.shape[1], tensor.shape[2]);
  check(turned);
  auto whole = tensors;
  for (auto& tensor : whole) tensor.type = dnalm::dtype::i32;
  check(whole);
  auto fewer = tensors;
  fewer.pop_back();
  check(fewer);
  auto shifted = tensors;  // four bytes before all others: nothing is aligned to 64 any more
  const std::vector<float> one(1, 0.0F);
  shifted.push_back(dnalm::io::make_tensor("!", one, {1}));
  check(shifted);
}

TEST_CASE("pack cache: a folder that cannot be made is an error", "[models]") {
  const cached_model model;
  const fs::path file = model.packs.path() / "file";
  dnalm_test::write_text(file, "x");
  for (const fs::path& folder : {file / "packs", model.packs.path() / std::string(300, 'x')}) {
    CHECK(dnalm_test::error_id_of([&] {
            static_cast<void>(dnalm::load_model(model.folder.path(), {.pack_cache = folder}));
          }) == "dnalm.io.222");
  }
}

TEST_CASE("pack cache: a long name of the model folder is cut", "[models]") {
  const cached_model model;
  const fs::path copy = model.packs.path() / std::string(240, 'm');
  fs::copy(model.folder.path(), copy);
  static_cast<void>(dnalm::load_model(copy, {.pack_cache = model.packs.path() / "deep"}));
  CHECK(model.file().filename().string().substr(0, 101) == std::string(100, 'm') + "-");
}

TEST_CASE("fingerprints of files: every sampled byte, name, size and time counts", "[models]") {
  const dnalm_test::temporary_folder folder("fingerprint");
  const fs::path a = folder.path() / "a";
  std::string text(1 << 20, 'x');
  dnalm_test::write_text(a, text);
  const auto time = fs::last_write_time(a);
  const std::string first = dnalm::files_fingerprint({a});
  CHECK(first.size() == 64);
  CHECK(dnalm::files_fingerprint({a}) == first);
  for (const std::size_t place : {std::size_t{0}, text.size() - 1}) {
    std::string other = text;
    other[place] = 'y';
    dnalm_test::write_text(a, other);
    fs::last_write_time(a, time);
    CHECK(dnalm::files_fingerprint({a}) != first);
  }
  dnalm_test::write_text(a, text);
  fs::last_write_time(a, time);
  CHECK(dnalm::files_fingerprint({a}) == first);
  fs::last_write_time(a, time + std::chrono::nanoseconds(4000));
  CHECK(dnalm::files_fingerprint({a}) != first);
  fs::last_write_time(a, time);
  fs::rename(a, folder.path() / "b");
  CHECK(dnalm::files_fingerprint({folder.path() / "b"}) != first);
  CHECK(dnalm::files_fingerprint({}) != first);
}
