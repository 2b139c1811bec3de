// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The main job: probe what the layers of models know about the labels of a table, beside baselines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/probe/evaluate_probe.hpp>
#include <dnalm/report/evaluation_options.hpp>
#include <dnalm/report/manifest.hpp>
#include <dnalm/report/result_folder.hpp>
#include <dnalm/report/result_table.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {
struct evaluation_state;
}

/// `onehot,kmer,random`, or `none`. \throws error [dnalm.usage.592] for an unknown name,
/// [dnalm.unsupported.593] for `cnn`, which comes with a later release.
[[nodiscard]] std::vector<baseline_kind> parse_baselines(std::string_view text);

/// `ridge,logistic`. \throws error [dnalm.usage.592] for an unknown name, [dnalm.unsupported.593] for `mlp`
/// and `cnn`, which come with a later release.
[[nodiscard]] std::vector<probe_kind> parse_probes(std::string_view text);

/// The table as the probes need it: labels, tasks, splits (assigned by seed when there are none), groups.
/// \throws error [dnalm.input.596] when there are no labels; as parse_split, assign_split and probe_problem.
[[nodiscard]] probe_problem make_problem(const io::sequence_table& table, task_kind task, std::uint64_t seed);

/// One evaluation: baselines, models and files of embeddings are added in turn; finish() writes the results.
///
/// Ridge probes come from statistics that are gathered while the one forward pass runs; of their vectors only
/// the test rows are kept. Other probes keep all pooled vectors, in memory or spilled to a file without a
/// name.
class evaluation {
 public:
  /// Checks the whole table. \throws as make_problem; error [dnalm.usage.535] for a probe that fits no
  /// target.
  evaluation(const io::sequence_table& table, const evaluation_options& options, result_folder& out);
  ~evaluation();
  evaluation(const evaluation&) = delete;
  evaluation& operator=(const evaluation&) = delete;

  /// A name for results: the wish without control characters, made unique by a suffix.
  [[nodiscard]] std::string reserve_name(std::string_view wish);
  /// One-hot and k-mers, as asked for. \throws as evaluate_probe.
  void add_baselines();
  /// All layers and poolings of a model, and of its random twin where that is asked for.
  /// \throws as embed, evaluate_probe and random_twin.
  void add_model(const std::string& name, const model& loaded);
  /// Vectors of any other model: an npz file with arrays `<pooling>/layer_<k>` as dnalm-embed writes them, or
  /// any two-dimensional arrays of numbers. Rows are matched by the member `names`, or by order when there is
  /// none. With `select`, only the options' layers and poolings are taken. \throws error [dnalm.input.594] no
  /// usable array, [dnalm.input.595] rows that do not match the table; as npz_reader and evaluate_probe.
  void add_vectors(const std::string& name, const std::filesystem::path& npz, bool select_layers,
                   bool select_poolings);
  /// Rows so far: models, then baselines, then twins.
  [[nodiscard]] std::vector<result_row> rows() const;
  /// Writes every file and puts the folder in its place. `made` says where things come from; counts, targets
  /// and remarks are filled in here. \throws as the writers.
  void finish(manifest made);

 private:
  std::unique_ptr<detail::evaluation_state> state_;
};

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/evaluation_impl.hpp>
#include <dnalm/report/detail/evaluation_lists_impl.hpp>
#include <dnalm/report/detail/evaluation_state_impl.hpp>
#endif
