using System.Globalization;

namespace AgentLightning.Client;

/// <summary>Reads options out of the environment.</summary>
internal static class LightningEnvironment
{
    /// <summary>Options with what the environment says, and what it says wrongly.</summary>
    /// <param name="read">Gives the value of a variable, or null.</param>
    public static (LightningClientOptions Options, IReadOnlyList<string> Problems) Read(Func<string, string?> read)
    {
        var options = new LightningClientOptions();
        var problems = new List<string>();
        Flag("ENABLE_LIGHTNING_CAPTURE", value => options.Enabled = value);
        Text("LIGHTNING_ENDPOINT", "an address such as http://127.0.0.1:4747", value =>
        {
            var good = Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https";
            options.Endpoint = good ? uri : null;
            return good;
        });
        Text("LIGHTNING_API_KEY", "a key", value => (options.ApiKey = value).Length > 0);
        Text("LIGHTNING_AGENT_ID", "a name", value => (options.AgentId = value).Length > 0);
        Text("LIGHTNING_DATA_DIR", "a folder", value => (options.DataFolder = value).Length > 0);
        Number("LIGHTNING_MAX_OUTPUT_LENGTH", 1, 4_000_000, value => options.MaxOutputLength = (int)value, whole: true);
        Flag("LIGHTNING_REDACT_SECRETS", value => options.Redaction = options.Redaction with { Secrets = value });
        Flag("USE_TUNED_MODEL", value => options.UseTunedModel = value);
        Number("LIGHTNING_CACHE_TTL", 0, 86_400, value => options.ReleaseCache = TimeSpan.FromSeconds(value));
        Flag("LIGHTNING_CAPTURE_EMBEDDINGS", value => options.CaptureEmbeddings = value);
        Number("LIGHTNING_EVAL_THRESHOLD", 0, 1, value => options.EvalThreshold = value);
        Number("LIGHTNING_LATENCY_THRESHOLD_MS", 0, 86_400_000, value => options.LatencyThresholdMs = value);
        Number("LIGHTNING_LATENCY_PENALTY", -1, 0, value => options.LatencyPenalty = value);
        return (options, problems);

        void Text(string name, string what, Func<string, bool> set, bool isNumber = false)
        {
            // An empty variable is how many shells and container files leave one out.
            if (read(name) is { Length: > 0 } value && !set(value.Trim()))
            {
                problems.Add(
                    $"{name} must be {what}, but it is '{value}'."
                        + (isNumber && value.Contains(',') ? " Write it with a point, not a comma." : "")
                );
            }
        }

        void Flag(string name, Action<bool> set) => Text(name, "true or false", value =>
            {
                bool? flag = value.ToLowerInvariant() switch
                {
                    "true" or "1" or "yes" or "on" => true,
                    "false" or "0" or "no" or "off" => false,
                    _ => null,
                };
                if (flag is { } known)
                {
                    set(known);
                }

                return flag is not null;
            });

        void Number(string name, double least, double most, Action<double> set, bool whole = false) =>
            Text(
                name,
                FormattableString.Invariant($"a {(whole ? "whole " : "")}number from {least} to {most}"),
                value =>
                {
                    // Without thousands: a decimal comma would be read as one.
                    var good =
                        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                        && number >= least
                        && number <= most
                        && (!whole || number == Math.Floor(number));
                    if (good)
                    {
                        set(number);
                    }

                    return good;
                },
                isNumber: true
            );
    }
}
