using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Episodes;
using AgentLightning.Evaluation;
using AgentLightning.Experiments;
using AgentLightning.Feedback;
using AgentLightning.Rewards;
using AgentLightning.Traces;
using AgentLightning.Training;
using AgentLightning.Triage;

namespace AgentLightning.Tests.Architecture;

/// <summary>Words that are in stores and on the wire: they may be added to, and never change.</summary>
public sealed class PersistedWordsTests
{
    [Fact]
    public void Reward_sources() =>
        Frozen<RewardSource>(
            "eval_score human_approval safety_check test_result cost_penalty latency_penalty golden_conversation implicit_signals"
        );

    [Fact]
    public void Kinds_of_data_sets() => Frozen<DatasetKind>("classification chat preference prompts");

    [Fact]
    public void Reasons_to_leave_episodes_out() =>
        Frozen<ExclusionReason>(
            "outside_dates internal not_succeeded other_model other_release other_tags no_reward below_min_reward payload_removed "
                + "no_action no_pair beyond_max_examples deleted no_answer duplicate near_duplicate"
        );

    [Fact]
    public void Ways_to_make_rewards_one() => Frozen<RewardAggregation>("quality_and_penalties mean");

    [Fact]
    public void What_data_sets_are_asked_for_by() => Frozen<DatasetMemberKind>("episode session user");

    [Fact]
    public void Training_states() => Frozen<TrainingStatus>("pending running succeeded failed cancelled");

    [Fact]
    public void Training_methods() => Frozen<TrainingMethod>("supervised policy_gradient sft reward_weighted_sft dpo kto grpo ppo");

    [Fact]
    public void Episode_states() => Frozen<EpisodeStatus>("succeeded failed cancelled");

    [Fact]
    public void Forms_of_spans() => Frozen<SpanForm>("span log");

    [Fact]
    public void States_of_spans() => Frozen<SpanStatus>("unset ok error");

    [Fact]
    public void Marks_of_spans() =>
        Assert.Equal([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096], Enum.GetValues<SpanMarks>().Select(mark => (int)mark));

    [Fact]
    public void Counts_of_traces() =>
        Assert.Equal(
            [
                "spans",
                "logs",
                "ignored_logs",
                "duplicates",
                "conflicts",
                "genai_spans",
                "inference_spans",
                "inference_without_content",
                "inference_without_model",
                "inference_without_usage",
                "inference_without_session",
                "rejected: ",
                "dialect: ",
                "not_read: ",
            ],
            [
                TraceCounts.Spans,
                TraceCounts.Logs,
                TraceCounts.IgnoredLogs,
                TraceCounts.Duplicates,
                TraceCounts.Conflicts,
                TraceCounts.Known,
                TraceCounts.Inference,
                TraceCounts.NoContent,
                TraceCounts.NoModel,
                TraceCounts.NoUsage,
                TraceCounts.NoSession,
                TraceCounts.Rejected,
                TraceCounts.Dialect,
                TraceCounts.NotRead,
            ]
        );

    [Fact]
    public void Sides_of_data_sets() => Frozen<DatasetSide>("train validation");

    [Fact]
    public void Roles_of_keys() => Frozen<Role>("read write admin");

    [Fact]
    public void Audited_actions() =>
        Frozen<AuditAction>(
            "key_created key_revoked access_refused promoted rolled_back deactivated deleted experiment_started experiment_changed "
                + "experiment_ended"
        );

    [Fact]
    public void Verdicts_of_the_gate() => Frozen<GateOutcome>("passed worse too_small");

    [Fact]
    public void States_of_experiments() => Frozen<ExperimentStatus>("running promoted rolled_back stopped");

    [Fact]
    public void Designs_of_experiments() => Frozen<ExperimentDesign>("split track_and_stop");

    [Fact]
    public void Metrics_of_experiments() => Frozen<ExperimentMetric>("reward success");

    [Fact]
    public void Audited_outcomes() => Frozen<AuditOutcome>("succeeded refused failed");

    [Fact]
    public void Severities() => Frozen<Severity>("low medium high critical");

    [Fact]
    public void Categories() =>
        Assert.Equal(["website-bug", "framework-issue", "content-gap", "feature-request", "positive", "noise"], FeedbackCategories.All);

    [Fact]
    public void Feedback_types() =>
        Assert.Equal(
            ["thumbs_up", "thumbs_down", "rating_5", "rating_4", "rating_3", "rating_2", "rating_1", "regenerate", "copy", "follow_up"],
            FeedbackTypes.All
        );

    private static void Frozen<T>(string words)
        where T : struct, Enum
    {
        Assert.Equal(words.Split(' '), Enum.GetValues<T>().Select(EnumText.Of));
        Assert.All(Enum.GetValues<T>(), value => Assert.Equal(value, EnumText.Parse<T>(EnumText.Of(value), "word")));
    }
}
