// SPDX-License-Identifier: Apache-2.0
// MTSplice's twelve real networks, converted as dnalm-convert does, on exons of BRCA1: against what Keras
// computes from the same files (tests/golden/make/make_mtsplice.py). Needs DNALM_DATA_DIR and a build with
// HDF5; skipped without them and said so.
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/data_folder.hpp>
#include <support/keras_folder.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/supervised_runs.hpp>

#if defined(DNALM_WITH_HDF5)
namespace {

using dnalm::index_t;

constexpr int exons = 3;
constexpr std::size_t tissues = 56;

/// Exon `j`: the letters of both inputs behind each other.
dnalm_test::supervised_case exon(const dnalm::io::safetensors_file& expected, int j) {
  dnalm_test::supervised_case c{"case" + std::to_string(j) + "."};
  c.ids = dnalm_test::golden_letters(expected, c.key + "sequence");
  c.offsets.append(static_cast<index_t>(c.ids.size()));
  return c;
}

/// The tissues of exon `j` by one of the published networks.
std::vector<double> tissues_of(const dnalm::io::safetensors_file& expected, const std::string& name, int j) {
  const std::vector<double> all = dnalm_test::read_numbers(expected, name);
  REQUIRE(all.size() == std::size_t{exons} * tissues);
  const auto first = all.begin() + j * static_cast<std::ptrdiff_t>(tissues);
  return {first, first + tissues};
}

/// The largest difference of a network to the numbers of Keras.
template <class B>
double largest_gap(const std::filesystem::path& folder, const std::string& name, const B& backend,
                   const dnalm::io::safetensors_file& expected) {
  const dnalm::layer_graph graph = dnalm_test::golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph), name);
  const dnalm::layer_network<B> network(backend, graph, source);
  typename dnalm::layer_network<B>::workspace workspace;
  double gap = 0.0;
  int compared = 0;
  for (int j = 0; j < exons; ++j) {
    const dnalm_test::supervised_case c = exon(expected, j);
    const std::vector<double> wanted = tissues_of(expected, name, j);
    const auto compare = [&](dnalm::matrix_view<const typename B::scalar> x) {
      gap = std::max(gap, dnalm_test::output_gap(wanted, x));
      ++compared;
    };
    const typename dnalm::layer_network<B>::logits_receiver receiver = compare;
    network.forward(
        {c.ids, c.offsets}, [](index_t, auto) {}, &receiver, workspace);
  }
  CHECK(compared == exons);
  return gap;
}

}  // namespace
#endif

TEST_CASE("MTSplice's real networks give what Keras gives", "[.][data]") {
#if defined(DNALM_WITH_HDF5)
  const auto models = dnalm_test::data_path("gagneurlab__MMSplice_MTSplice/mmsplice/models");
  if (!models) return;
  const dnalm::io::safetensors_file expected(dnalm_test::golden_supervised / "expected" /
                                             "mtsplice_published.safetensors");
  const auto check = [&](const std::string& name) {
    INFO(name);
    const dnalm_test::temporary_folder folder("mtsplice");
    dnalm_test::write_keras_folder(*models / (name + ".h5"), folder.path());
    const double exact = largest_gap(folder.path(), name, dnalm::reference_backend(), expected);
    const double rounded = largest_gap(folder.path(), name, dnalm::cpu_backend(), expected);
    INFO("double " << exact << ", float " << rounded);
    CHECK(exact <= 1e-9);
    CHECK(rounded <= 1e-4);
  };
  for (int i = 0; i < 8; ++i) check("mtsplice" + std::to_string(i));
  for (int i = 0; i < 4; ++i) check("mtsplice_deep" + std::to_string(i));
#else
  WARN("skipped: this build reads no HDF5");
#endif
}

TEST_CASE("an ensemble of MTSplice's real networks is the mean that its authors take", "[.][data]") {
#if defined(DNALM_WITH_HDF5)
  const auto models = dnalm_test::data_path("gagneurlab__MMSplice_MTSplice/mmsplice/models");
  if (!models) return;
  const dnalm::io::safetensors_file expected(dnalm_test::golden_supervised / "expected" /
                                             "mtsplice_published.safetensors");
  const dnalm_test::temporary_folder folder("mtsplice");
  std::string files;
  for (int i = 0; i < 8; ++i) {
    const std::string name = "mtsplice" + std::to_string(i);
    dnalm_test::write_keras_folder(*models / (name + ".h5"), folder.path());
    std::filesystem::rename(folder.path() / "model.safetensors", folder.path() / (name + ".safetensors"));
    files += (i == 0 ? "\"" : ", \"") + name + ".safetensors\"";
  }
  std::ofstream(folder.path() / "config.json") << R"({"model_type": "keras", "files": [)" << files << "]}";
  const dnalm::model ensemble = dnalm::load_model(folder.path());
  for (int j = 0; j < exons; ++j) {
    std::vector<double> mean(tissues);
    for (int i = 0; i < 8; ++i) {
      const auto member = tissues_of(expected, "mtsplice" + std::to_string(i), j);
      for (std::size_t t = 0; t < tissues; ++t) mean[t] += member[t] / 8.0;
    }
    const dnalm_test::supervised_case c = exon(expected, j);
    double gap = 1.0;
    dnalm::forward_workspace workspace;
    ensemble.logits(
        {c.ids, c.offsets}, [&](dnalm::matrix_view<const float> x) { gap = dnalm_test::output_gap(mean, x); },
        workspace);
    CHECK(gap <= 1e-4);
  }
#else
  WARN("skipped: this build reads no HDF5");
#endif
}
