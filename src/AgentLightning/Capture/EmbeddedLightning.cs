using AgentLightning.Client;
using AgentLightning.Client.Export;
using AgentLightning.Common;
using AgentLightning.Storage;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Capture;

/// <summary>Capture without a server.</summary>
public static class EmbeddedLightning
{
    /// <summary>
    /// Registers the whole product and a client that captures into its store, in this process: the same calls as with a server. The store
    /// is opened, and made where it does not exist, with the first record. Episodes are read out of spans while the client lives.
    /// </summary>
    /// <param name="options">Where the records are kept.</param>
    /// <param name="configure">The options of capture; the environment is read first.</param>
    /// <exception cref="LightningException">A value is wrong.</exception>
    public static IServiceCollection AddLightningEmbedded(
        this IServiceCollection services,
        LightningOptions options,
        Action<LightningClientOptions>? configure = null
    ) =>
        services
            .AddLightningServices(options)
            .AddLightning(
                client =>
                {
                    // The environment may keep secrets in; the rest is as the store has it.
                    client.Redaction = options.Redaction with { Secrets = options.Redaction.Secrets && client.Redaction.Secrets };
                    configure?.Invoke(client);
                },
                // What the sink needs is made with it, so that it is closed after the client that still delivers.
                provider => new StoreSink(
                    provider.GetRequiredService<SqlDatabase>(),
                    provider.GetRequiredService<CaptureService>(),
                    provider.GetRequiredService<OtlpReceiver>(),
                    provider.GetRequiredService<EpisodeAssembler>()
                )
            );

    /// <summary>Takes batches into the store.</summary>
    private sealed class StoreSink(SqlDatabase database, CaptureService capture, OtlpReceiver receiver, EpisodeAssembler assembler)
        : ICaptureSink,
            IDisposable
    {
        private readonly CancellationTokenSource _closed = new();
        private Task _reading = Task.CompletedTask;
        private bool _isOpen;

        /// <summary>What waits to be read lies in the store, for the next process.</summary>
        public void Dispose()
        {
            _closed.Cancel();
            _reading.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Wait();
            _closed.Dispose();
        }

        public async Task<SinkAnswer> SendAsync(Payload payload, CancellationToken cancellationToken)
        {
            try
            {
                if (!_isOpen)
                {
                    await database.MigrateAsync(cancellationToken).ConfigureAwait(false);
                    _isOpen = true;
                    _reading = Task.Run(() => assembler.RunAsync(_closed.Token), CancellationToken.None);
                }

                if (payload.Kind == PayloadKind.Spans)
                {
                    return await TakeSpansAsync(payload, cancellationToken).ConfigureAwait(false);
                }

                using var lines = new MemoryStream(payload.Bytes.ToArray(), writable: false);
                var outcome = await capture.AddBatchAsync(lines, _ => true, cancellationToken).ConfigureAwait(false);
                return new SinkAnswer(Verdict.Taken, outcome.Rejected.Count);
            }
            catch (LightningException e) when (e.Kind == ErrorKind.Unavailable)
            {
                return new SinkAnswer(Verdict.TryLater, Problem: e.Message);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                return new SinkAnswer(Verdict.Failed, Problem: e is LightningException ? e.Message : e.GetType().Name);
            }
        }

        private async Task<SinkAnswer> TakeSpansAsync(Payload payload, CancellationToken cancellationToken)
        {
            var result = await receiver
                .ReceiveAsync(payload.Bytes, OtlpEncoding.Json, SpanForm.Span, null, cancellationToken)
                .ConfigureAwait(false);
            return result.Outcome switch
            {
                OtlpOutcome.Stored => new SinkAnswer(Verdict.Taken, result.Rejected, Problem: result.Message),
                OtlpOutcome.Busy => new SinkAnswer(Verdict.TryLater, Problem: result.Message),
                _ => new SinkAnswer(Verdict.Refused, Problem: result.Message),
            };
        }
    }
}
