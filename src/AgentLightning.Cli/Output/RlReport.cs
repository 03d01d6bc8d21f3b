using System.Globalization;
using System.Text.Json.Serialization;
using AgentLightning.Models.Loops.Reinforcement;

namespace AgentLightning.Cli.Output;

/// <summary>What <c>model rl</c> says of a run.</summary>
internal sealed record RlReport(
    [property: JsonPropertyName("task")] string Task,
    [property: JsonPropertyName("method")] string Method,
    [property: JsonPropertyName("seed")] long Seed,
    [property: JsonPropertyName("steps")] int Steps,
    [property: JsonPropertyName("seconds")] double Seconds,
    [property: JsonPropertyName("accuracy")] double? Accuracy,
    [property: JsonPropertyName("tokens_per_second")] double TokensPerSecond,
    [property: JsonPropertyName("share_of_peak")] double? ShareOfPeak,
    [property: JsonPropertyName("logged"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] RlLogged? Logged
)
{
    /// <summary>Draws one step of a run.</summary>
    public static void Show(RunChart chart, ReinforcementEvent line)
    {
        if (line.Find(ReinforcementEvent.Reward) is { } reward)
        {
            chart.Add(
                reward,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"step {line.Step}/{line.Steps}  reward {reward:F3}  entropy {line.Find("entropy"):F3}  gradient "
                        + $"{line.Find("grad_norm"):F3}  {line.Find("tokens_per_second"):N0} tokens/s  {line.Seconds:F1} s"
                )
            );
        }

        string[] notes =
        [
            .. line.Find(ReinforcementEvent.Accuracy) is { } accuracy
                ? [string.Create(CultureInfo.InvariantCulture, $"step {line.Step}: {accuracy:P1} of held-out tasks right")]
                : Array.Empty<string>(),
            .. line.Alarms?.Select(alarm => $"alarm at step {line.Step}: {alarm}") ?? [],
        ];
        chart.Draw(notes);
    }

    /// <summary>Tells how a run ended.</summary>
    /// <param name="target">Where the model was saved; null when it was not.</param>
    public void Write(string? target, bool json)
    {
        if (json)
        {
            Terminal.WriteJson(this);
            return;
        }

        var right = Accuracy is { } accuracy
            ? string.Create(CultureInfo.InvariantCulture, $"{accuracy:P1} of held-out tasks right")
            : "nothing held out";
        var ofPeak = ShareOfPeak is { } share
            ? string.Create(CultureInfo.InvariantCulture, $", {share:P0} of the peak of matrix products")
            : "";
        Console.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Task} by {Method}: {Steps} steps, {Seconds:F1} s, {right}, "
                    + $"{TokensPerSecond:N0} tokens/s{ofPeak}{(target is null ? "" : $": {target}")}"
            )
        );
    }
}

/// <param name="LeftOut">Attempts by the reason why they are not learned from.</param>
internal sealed record RlLogged(
    [property: JsonPropertyName("attempts")] int Attempts,
    [property: JsonPropertyName("left_out")] IReadOnlyDictionary<string, int> LeftOut
);
