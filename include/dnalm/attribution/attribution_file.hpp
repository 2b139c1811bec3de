// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Files of attribution maps: the npz of dnalm-attribute, and the pair that TF-MoDISco reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/tokenize/tokens.hpp>

DNALM_BEGIN_NAMESPACE

/// What is known about one sequence of L letters; parts that a file does not hold may be left empty.
struct attribution_row {
  std::string name = {};
  std::string sequence = {};
  nucleotide_map attributions = {};     ///< (4, L)
  double convergence_delta = 0;         ///< may be NaN
  index_t nodes = 0;                    ///< of the integral
  bool within_tolerance = true;         ///< whether the delta is as small as was asked for
  double distinct_shuffles = 0;         ///< how many the sequence has, itself included; may be infinite
  token_sequence tokens = {};           ///< of which there are scores
  std::vector<double> scores = {};      ///< by token
  nucleotide_map computed = {};         ///< (4, L): not 0 where an effect was computed, not guessed
  double screen_recall = 0;             ///< share of the largest effects that were; NaN: not known
  std::vector<double> residuals = {};   ///< by hidden state, as many in each row
  std::vector<double> entropy = {};     ///< (L), bits; may hold NaN
  std::vector<double> dependency = {};  ///< (L, L), row-major
  std::string likeliest_letters = {};   ///< (L) of A, C, G, T; N: no prediction
  std::vector<std::int32_t> likeliest_tokens = {};  ///< (L); -1: no prediction
};

/// Which members a file has beside `names`, `lengths`, `one_hot` and `conventions`.
struct attribution_members {
  bool attributions = true;
  bool convergence_delta = false;
  bool nodes = false;  ///< and within_tolerance
  bool distinct_shuffles = false;
  bool computed = false;  ///< and screen_recall
  bool tokens = false;    ///< and their scores
  bool residuals = false;
  bool entropy = false;
  bool dependency = false;
  bool likeliest = false;  ///< letters and tokens
};

/// Writes rows one after the other; memory does not grow with them but for names and lengths.
///
/// Members, for N rows padded to `longest` letters: `one_hot` int8 (N, 4, longest), `attributions` float32 of
/// the same shape, both with zeros behind the end; `names`; `lengths` int64 (N); `convergence_delta` float64
/// (N); `entropy` float32 (N, longest), NaN behind the end; `dependency` float32 (N, longest, longest), zeros
/// behind the end; `likeliest_letters` int8 (N, longest), 0 to 3, and `likeliest_tokens` int32 (N, longest),
/// -1 without a prediction and behind the end; `nodes` int64 (N) and `within_tolerance` int8 (N), 0 or 1;
/// `distinct_shuffles` float64 (N); `computed` bool (N, 4, longest) and `screen_recall` float64 (N);
/// `residuals` float64 (N, hidden states); `conventions`, the JSON object of the texts given, as uint8.
///
/// Of tokens, in the order of the rows: `token_scores` float32, `token_ids` int32, `token_begin` and
/// `token_end` int64, the letters [begin, end) that each covers (none: CLS and the like), and `offsets` int64
/// (N + 1), where each row's begin.
class attribution_writer {
 public:
  /// \throws error [dnalm.usage.887] for a longest length below 1; as io::npz_writer.
  attribution_writer(const std::filesystem::path& path, index_t longest, const attribution_members& members,
                     const std::map<std::string, std::string>& conventions);

  /// \throws error [dnalm.shape.885] for parts that do not fit the sequence or a sequence longer than
  /// `longest`; error [dnalm.numeric.886] for an attribution or a dependency that is no finite float;
  /// error [dnalm.input.150] for a letter other than A, C, G, T, N; as io::npz_writer.
  void add(const attribution_row& row);
  /// A text for `conventions` that is known at the end; one of the same name is replaced.
  void set_convention(const std::string& name, const std::string& text) { conventions_[name] = text; }
  /// Completes the file. Called once.
  void finish();

 private:
  std::filesystem::path path_;
  index_t longest_;
  attribution_members members_;
  std::map<std::string, std::string> conventions_;
  io::npz_writer archive_;
  std::vector<std::string> names_;
  std::vector<index_t> lengths_;
  std::vector<double> deltas_;
  std::vector<index_t> nodes_;
  std::vector<std::int8_t> within_tolerance_;
  std::vector<double> distinct_shuffles_;
  std::vector<double> screen_recalls_;
  std::vector<float> token_scores_;  // of all rows, as those behind it
  std::vector<std::int32_t> token_ids_;
  std::vector<index_t> token_begin_;
  std::vector<index_t> token_end_;
  std::vector<index_t> offsets_ = {0};
  std::vector<double> residuals_;  // of all rows
  std::size_t one_hot_ = 0;
  std::size_t attributions_ = 0;
  std::size_t computed_ = 0;
  std::size_t entropy_ = 0;
  std::size_t dependency_ = 0;
  std::size_t likeliest_letters_ = 0;
  std::size_t likeliest_tokens_ = 0;
};

/// Writes `<prefix>.ohe.npz` (int8) and `<prefix>.attr.npz` (float32), each with `arr_0` (N, 4, width), and
/// beside it in the first `rows` int64 (N): the numbers, from 0, of the rows that are there.
///
/// TF-MoDISco needs a letter at every position. Of a sequence the central `width` letters are written (of an
/// odd rest one more is left out behind); a row that is shorter, or has an N among them, is left out and
/// counted.
class modisco_writer {
 public:
  /// \throws error [dnalm.usage.887] for a width below 1; as io::npz_writer.
  modisco_writer(const std::string& prefix, index_t width);

  /// Whether a sequence has a row in files of `width` letters.
  [[nodiscard]] static bool takes(std::string_view sequence, index_t width);
  /// Whether the row was written. \throws as attribution_writer::add.
  bool add(const std::string& sequence, const nucleotide_map& attributions);
  [[nodiscard]] index_t dropped() const { return seen_ - static_cast<index_t>(rows_.size()); }
  /// Completes both files. Called once.
  void finish();

 private:
  std::string prefix_;
  index_t width_;
  io::npz_writer one_hot_file_;
  io::npz_writer attribution_file_;
  std::size_t one_hot_ = 0;
  std::size_t attributions_ = 0;
  index_t seen_ = 0;
  std::vector<index_t> rows_;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/attribution_file_impl.hpp>
#endif
