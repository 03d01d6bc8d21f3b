using System.Net;
using System.Net.Http.Headers;

namespace AgentLightning.Models.Hub;

/// <summary>One file of a revision, from what is here of it to the whole, checked.</summary>
internal sealed class HubDownload(HubConnection connection, HubRevision revision, HubFile file, string folder, Action<long> progress)
{
    private readonly PartialFile _part = new(folder, file.Name);
    private readonly string _target = Path.Combine(folder, file.Name);
    private readonly string _content = $"{revision.Repository} {revision.Commit} {file.Size} {file.Sha256 ?? file.GitSha1}";
    private readonly string _what = $"{revision.Repository}/{file.Name} at {revision.Commit}";
    private FileDigest? _digest = FileDigest.Of(file);
    private long? _size = file.Size;
    private bool _resumed;

    private HubOptions Options => connection.Options;

    /// <summary>Bytes that came over the network.</summary>
    public long Downloaded { get; private set; }

    /// <exception cref="HubException">The file could not be had, or what came is not what the hub says it is. What is here stays for the
    /// next try unless it is wrong.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _part.Open(_content);
        _resumed = _part.Length > 0;
        for (var failures = 0; ; )
        {
            var before = Downloaded;
            var (complete, wait, reason) = await AttemptAsync(cancellationToken).ConfigureAwait(false);
            if (complete && await IsRightAsync(cancellationToken).ConfigureAwait(false))
            {
                _part.Finish(_target);
                return;
            }

            failures = Downloaded > before ? 1 : failures + 1;
            if (!complete && failures > Options.Retries)
            {
                throw new HubException(
                    $"{_what} stops at {_part.Length:N0}{(_size is null ? "" : $" of {_size:N0}")} bytes: {reason} "
                        + "Pull again to go on from there."
                );
            }

            await Task.Delay(wait ?? Delay(Options, failures), Options.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <param name="failures">From 1.</param>
    public static TimeSpan Delay(HubOptions options, int failures) =>
        TimeSpan.FromTicks(Math.Min(options.RetryDelay.Ticks << Math.Min(failures - 1, 10), TimeSpan.FromSeconds(30).Ticks));

    /// <summary>One request. Not complete with a reason: to be tried again.</summary>
    private async Task<(bool Complete, TimeSpan? Wait, string Reason)> AttemptAsync(CancellationToken cancellationToken)
    {
        using var stall = new CancellationTokenSource(Options.StallTimeout, Options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stall.Token);
        try
        {
            if (_size is not null && _part.Length == _size && _part.Length > 0)
            {
                return (true, null, "");
            }

            // Without a tag or a hash nobody could tell whether the rest belongs to what is here.
            var etag = _part.ETag is { } tag && EntityTagHeaderValue.TryParse(tag, out var parsed) && !parsed.IsWeak ? parsed : null;
            if (_part.Length > 0 && ((etag is null && _digest is null) || _part.Length > _size))
            {
                _part.Drop();
            }

            using var response = await connection
                .GetAsync(connection.Address(revision.Repository, "resolve", revision.Commit, file.Name), _part.Length, etag, either.Token)
                .ConfigureAwait(false);
            var message = response.Message;
            if (message.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                // What is here is longer than what the server has: it is of something else.
                _part.Drop();
                return (false, TimeSpan.Zero, $"the server has fewer bytes ({(int)message.StatusCode}).");
            }

            if (HubErrors.IsTransient(message.StatusCode))
            {
                return (
                    false,
                    HubErrors.RetryAfter(message, Options.Time),
                    $"{message.RequestMessage!.RequestUri!.Authority} answers {(int)message.StatusCode}."
                );
            }

            if (message.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
            {
                throw HubErrors.Of(message, _what, Options);
            }

            Begin(response);
            await CopyAsync(message, stall, either.Token).ConfigureAwait(false);
            return _size is null || _part.Length == _size ? (true, null, "") : (false, null, "the server ended too early.");
        }
        catch (OperationCanceledException) when (stall.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return (false, null, $"the server sent nothing for {Options.StallTimeout.TotalSeconds:0.#} s.");
        }
        catch (Exception e)
            when (e is HttpRequestException or IOException { InnerException: not null } and not HubException || e is HttpIOException)
        {
            return (false, null, $"the connection was lost ({(e.InnerException ?? e).Message.TrimEnd('.')}).");
        }
    }

    /// <summary>Checks that the answer continues what is here, or begins anew.</summary>
    private void Begin(HubResponse response)
    {
        var (message, headers) = (response.Message, response.Message.Content.Headers);
        _digest ??= FileDigest.Of(file, response.LinkedETag, response.HubETag);
        long? total;
        if (message.StatusCode == HttpStatusCode.PartialContent)
        {
            if (headers.ContentRange is not { From: { } from } range || from != _part.Length)
            {
                throw new HubException(
                    $"{_what}: asked for the bytes from {_part.Length:N0}, but the server sends "
                        + $"{headers.ContentRange?.ToString() ?? "bytes without saying which"}."
                );
            }

            total = range.Length;
        }
        else
        {
            total = headers.ContentLength;
            _part.Begin(_content, message.Headers.ETag?.ToString());
            _resumed = false;
        }

        if (total is not null && _size is not null && total != _size)
        {
            throw new HubException(
                $"{_what}: the hub lists {_size:N0} bytes, but {message.RequestMessage!.RequestUri!.Authority} has {total:N0}."
            );
        }

        _size ??= total;
    }

    private async Task CopyAsync(HttpResponseMessage message, CancellationTokenSource stall, CancellationToken cancellationToken)
    {
        var target = _part.Append();
        await using (target.ConfigureAwait(false))
        {
            var source = await message.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await using (source.ConfigureAwait(false))
            {
                var buffer = new byte[1 << 17];
                var length = target.Position;
                while (await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var read)
                {
                    stall.CancelAfter(Options.StallTimeout);
                    length += read;
                    if (length > _size)
                    {
                        throw new HubException($"{_what}: the hub lists {_size:N0} bytes, but more come.");
                    }

                    await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                    Downloaded += read;
                    progress(length);
                }
            }

            // The rename that follows must not reach the disk before the bytes.
            target.Flush(flushToDisk: true);
        }
    }

    /// <summary>Whether the bytes hash to what the hub says. A part of an earlier pull gets one more chance from its beginning.</summary>
    private async Task<bool> IsRightAsync(CancellationToken cancellationToken)
    {
        if (
            _digest is not { } digest
            || await digest.ComputeAsync(_part.Path, cancellationToken).ConfigureAwait(false) is var seen && seen == digest.Hex
        )
        {
            return true;
        }

        _part.Drop();
        return _resumed
            ? _resumed = false
            : throw new HubException(
                $"{_what} is damaged: its {digest.Kind} should be {digest.Hex}, but it is {seen}. It was deleted; pull again."
            );
    }
}
