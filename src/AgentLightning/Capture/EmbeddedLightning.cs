using AgentLightning.Client;
using AgentLightning.Client.Export;
using AgentLightning.Common;
using AgentLightning.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Capture;

/// <summary>Capture without a server.</summary>
public static class EmbeddedLightning
{
    /// <summary>
    /// Registers the whole product and a client that captures into its store, in this process: the same calls as with a server. The store is opened, and made where it does not
    /// exist, with the first record. Spans are not kept without a server; they are counted as dropped.
    /// </summary>
    /// <param name="options">Where the records are kept.</param>
    /// <param name="configure">The options of capture; the environment is read first.</param>
    /// <exception cref="LightningException">A value is wrong.</exception>
    public static IServiceCollection AddLightningEmbedded(this IServiceCollection services, LightningOptions options, Action<LightningClientOptions>? configure = null) =>
        LightningServices.AddLightning(services, options).AddLightning(
            client =>
            {
                // The environment may keep secrets in; the rest is as the store has it.
                client.Redaction = options.Redaction with { Secrets = options.Redaction.Secrets && client.Redaction.Secrets };
                configure?.Invoke(client);
            },
            // What the sink needs is made with it, so that it is closed after the client that still delivers.
            provider => new StoreSink(provider.GetRequiredService<SqlDatabase>(), provider.GetRequiredService<CaptureService>()));

    /// <summary>Takes batches into the store.</summary>
    private sealed class StoreSink(SqlDatabase database, CaptureService capture) : ICaptureSink
    {
        private bool _isOpen;

        public async Task<SinkAnswer> SendAsync(Payload payload, CancellationToken cancellationToken)
        {
            if (payload.Kind != PayloadKind.Records)
            {
                return new SinkAnswer(Verdict.Refused, Problem: "spans need a server");
            }

            try
            {
                if (!_isOpen)
                {
                    await database.MigrateAsync(cancellationToken).ConfigureAwait(false);
                    _isOpen = true;
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
    }
}
