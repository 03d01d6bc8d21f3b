using System.Buffers;
using System.Text;
using System.Text.Json;
using AgentLightning.Common;

namespace AgentLightning.Datasets.Building;

/// <summary>
/// An input with the choices that were made: <see cref="DatasetExample"/>. Inputs that say the same are one by their key.
/// </summary>
internal sealed class ClassificationRowMaker : RowMaker
{
    public override void Make(ReadOnlySpan<UnitMember> unit, DatasetSide side, RowSink sink)
    {
        if (sink.Collects)
        {
            return;
        }

        string? expected = null;
        var answers = new List<DatasetAnswer>(unit.Length);
        foreach (var member in unit)
        {
            expected = member.Content.Correction is { } correction ? Encoding.UTF8.GetString(correction) : expected;
            answers.Add(
                new DatasetAnswer(member.Content.Id, member.Content.Action ?? "", member.Content.LogProbability ?? 0, member.Reward)
            );
        }

        var first = unit[0].Content;
        var example = new DatasetExample(first.InputKey, side, Encoding.UTF8.GetString(first.Input), expected, answers);
        using (var writer = new Utf8JsonWriter(sink.Buffer, new JsonWriterOptions { Encoder = LightningJson.Options.Encoder }))
        {
            JsonSerializer.Serialize(writer, example, LightningJson.Options);
        }

        sink.Buffer.Write("\n"u8);
        sink.Wrote(side, unit);
    }
}
