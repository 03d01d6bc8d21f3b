using System.Globalization;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Spending;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Server.Gateway;

/// <summary>
/// Charges calls to who made them, by the usage that upstreams tell and the prices of the settings, and refuses who has spent what a
/// month allows.
/// </summary>
internal sealed partial class SpendGuard(SpendLedger ledger, GatewayOptions options, TimeProvider time, ILogger<SpendGuard> logger)
    : BackgroundService
{
    private const double Unit = 1e9;
    private static readonly TimeSpan s_betweenSyncs = TimeSpan.FromSeconds(1);

    private bool HasPrices => options.Upstreams.Values.Any(upstream => upstream.InputPrice > 0 || upstream.OutputPrice > 0);

    /// <summary>Refuses who has spent the month's amount with 429 and OpenAI's code for it.</summary>
    public async ValueTask CheckAsync(Scope scope, CancellationToken cancellationToken)
    {
        if (options.MonthlySpend <= 0)
        {
            return;
        }

        var spent = await ledger.OfAsync(scope.Actor, cancellationToken) / Unit;
        if (spent >= options.MonthlySpend)
        {
            throw new GatewayException(
                429,
                "insufficient_quota",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The limit of {options.MonthlySpend:0.######} a month is spent ({spent:0.######}). It begins anew on the first of the "
                        + $"next month (UTC); gateway.monthly_spend raises it."
                )
            );
        }
    }

    /// <summary>Charges what an answer cost, also one that broke off, as far as its usage was told.</summary>
    public void Charge(Scope scope, Attempt attempt, EventRelay? relay)
    {
        var prices = attempt.Upstream.Options;
        if ((prices.InputPrice <= 0 && prices.OutputPrice <= 0) || attempt.Failure is not null)
        {
            return;
        }

        var (read, written) = Usage(relay is null ? attempt.Held.Span : relay.Usage);
        // Prices are of a million tokens.
        ledger.Add(scope.Actor, (long)Math.Round(((read * prices.InputPrice) + (written * prices.OutputPrice)) / 1e6 * Unit));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!HasPrices)
        {
            return;
        }

        using var timer = new PeriodicTimer(s_betweenSyncs, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await SyncAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // What is new is written below.
        }

        await SyncAsync(CancellationToken.None);
    }

    private async Task SyncAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ledger.SyncAsync(cancellationToken);
        }
        catch (LightningException e)
        {
            LogUnwritten(logger, e.Message);
        }
    }

    /// <summary>Tokens read and written, in the words of chat or of responses; none where nothing is told.</summary>
    private static (long Read, long Written) Usage(ReadOnlySpan<byte> answer)
    {
        var at = answer.LastIndexOf("\"usage\""u8);
        if (at < 0)
        {
            return default;
        }

        try
        {
            var value = answer[(at + "\"usage\""u8.Length)..].TrimStart(" \r\n\t:"u8);
            var reader = new Utf8JsonReader(value);
            using var usage = JsonDocument.ParseValue(ref reader);
            return (
                Count(usage.RootElement, "prompt_tokens", "input_tokens"),
                Count(usage.RootElement, "completion_tokens", "output_tokens")
            );
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static long Count(JsonElement usage, string name, string other) =>
        usage.ValueKind == JsonValueKind.Object
        && (usage.TryGetProperty(name, out var count) || usage.TryGetProperty(other, out count))
        && count.TryGetInt64(out var number)
            ? Math.Max(number, 0)
            : 0;

    [LoggerMessage(Level = LogLevel.Warning, Message = "What calls of models cost could not be written, and is kept for later: {Reason}")]
    private static partial void LogUnwritten(ILogger logger, string reason);
}
