using System.Buffers;

namespace AgentLightning.Datasets.Building;

/// <summary>
/// Pairs of answers to one input: <see cref="PreferenceRow"/>. A correction is chosen over what it corrects; of the other answers the best
/// is chosen over the worst, the second best over the second worst, and so on, as long as one is better than the other. No episode is in
/// two pairs.
/// </summary>
internal sealed class PreferenceRowMaker(EpisodeConversation conversation) : RowMaker
{
    public override void Make(ReadOnlySpan<UnitMember> unit, DatasetSide side, RowSink sink)
    {
        foreach (var answers in GivenAnswer.Group(unit, conversation, sink))
        {
            var others = new List<GivenAnswer>();
            foreach (var answer in answers)
            {
                if (answer.Member is { Corrected: true, Reward: < 1, Content.Correction: { } correction })
                {
                    var better = new ArrayBufferWriter<byte>(correction.Length + 64);
                    better.Write("{\"role\":\"assistant\",\"content\":"u8);
                    better.WriteText(correction);
                    better.Write("}"u8);
                    Pair(answer, better.WrittenSpan, 1, answer, [answer.Member], side, sink);
                }
                else
                {
                    others.Add(answer);
                }
            }

            PairOthers(others, side, sink);
        }
    }

    private static void PairOthers(List<GivenAnswer> answers, DatasetSide side, RowSink sink)
    {
        var ordered = answers.OrderByDescending(answer => answer.Member.Reward).ToList();
        var (best, worst) = (0, ordered.Count - 1);
        while (best < worst && ordered[best].Member.Reward > ordered[worst].Member.Reward)
        {
            var (chosen, rejected) = (ordered[best++], ordered[worst--]);
            Pair(chosen, chosen.Text, chosen.Member.Reward, rejected, [chosen.Member, rejected.Member], side, sink);
        }

        sink.Excluded.Add(ExclusionReason.NoPair, Math.Max(0, worst - best + 1));
    }

    private static void Pair(
        GivenAnswer input,
        ReadOnlySpan<byte> chosen,
        double reward,
        GivenAnswer rejected,
        ReadOnlySpan<UnitMember> made,
        DatasetSide side,
        RowSink sink
    )
    {
        if (chosen.SequenceEqual(rejected.Text))
        {
            sink.Excluded.Add(ExclusionReason.NoPair, made.Length);
            return;
        }

        var hash = StableHash.Of(rejected.Text, StableHash.Of(chosen, StableHash.Of(input.Context)));
        if (!sink.Takes(side, input.Signature, hash, made.Length))
        {
            return;
        }

        var target = sink.Buffer;
        Begin(target, KeyOf(made), side);
        target.Write(List(input.Context));
        target.Write("],\"chosen\":"u8);
        target.Write(chosen);
        target.Write(",\"rejected\":"u8);
        target.Write(rejected.Text);
        target.Write(",\"chosen_reward\":"u8);
        target.WriteNumber(reward);
        target.Write(",\"rejected_reward\":"u8);
        target.WriteNumber(rejected.Member.Reward);
        End(target, made);
        sink.Wrote(side, made);
    }
}
