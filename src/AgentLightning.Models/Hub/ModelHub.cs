using System.Net;
using AgentLightning.Models.Checkpoints;

namespace AgentLightning.Models.Hub;

/// <summary>
/// Pulls models from a hub with the layout of Hugging Face. A pull that is cut off goes on where it stopped; a folder appears only when all
/// of it is there and hashes to what the hub says.
/// </summary>
/// <remarks>
/// Until then the files lie in <c>FOLDER.part</c>. Safe for use by several threads, but for two pulls into one folder, of which the second
/// is refused.
/// </remarks>
public sealed class ModelHub : IDisposable
{
    private readonly HubConnection _connection;

    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public ModelHub(HubOptions options)
    {
        options.Validate();
        _connection = new HubConnection(options);
    }

    /// <summary>The commit that a revision stands for now, and its files.</summary>
    /// <param name="repository">As <c>gpt2</c> or <c>Qwen/Qwen2.5-0.5B</c>.</param>
    /// <param name="revision">A branch, a tag or a commit.</param>
    /// <exception cref="HubException">There is none, or it may not be seen, or the hub does not answer.</exception>
    public async Task<HubRevision> FindAsync(string repository, string revision = "main", CancellationToken cancellationToken = default)
    {
        repository = ModelAddress.Parse(repository).Repository;
        ArgumentException.ThrowIfNullOrWhiteSpace(revision);
        var (options, what) = (_connection.Options, $"{repository} at {revision}");
        // A revision may hold slashes, and is one piece of the path all the same.
        var url = new Uri($"{_connection.Address("api/models", repository, "revision")}/{Uri.EscapeDataString(revision)}?blobs=true");
        for (var failures = 1; ; failures++)
        {
            using var stall = new CancellationTokenSource(options.StallTimeout, options.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stall.Token);
            TimeSpan? wait = null;
            string reason;
            try
            {
                using var response = await _connection.GetAsync(url, 0, null, either.Token).ConfigureAwait(false);
                if (response.Message.StatusCode == HttpStatusCode.OK)
                {
                    return HubListing.Read(
                        repository,
                        await response.Message.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false)
                    );
                }

                if (!HubErrors.IsTransient(response.Message.StatusCode))
                {
                    throw HubErrors.Of(response.Message, what, options);
                }

                (wait, reason) = (HubErrors.RetryAfter(response.Message, options.Time), $"it answers {(int)response.Message.StatusCode}");
            }
            catch (OperationCanceledException) when (stall.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                reason = $"it did not answer within {options.StallTimeout.TotalSeconds:0.#} s";
            }
            catch (HttpRequestException e)
                when (e.HttpRequestError
                        is HttpRequestError.NameResolutionError
                            or HttpRequestError.ConnectionError
                            or HttpRequestError.SecureConnectionError
                )
            {
                // Nothing is under way that would be lost: whoever mistyped the address is told at once.
                throw new HubException($"{options.Url} cannot be reached: {e.GetBaseException().Message.TrimEnd('.')}.", e);
            }
            catch (HttpRequestException e)
            {
                reason = e.Message.TrimEnd('.');
            }

            if (failures > options.Retries)
            {
                throw new HubException($"{options.Url} does not list {what}: {reason}.");
            }

            await Task.Delay(wait ?? HubDownload.Delay(options, failures), options.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Brings a model into a folder. One that is there already and whole is left as it is; another model is replaced once the new one is
    /// whole.
    /// </summary>
    /// <param name="revision">From <see cref="FindAsync"/>.</param>
    /// <exception cref="HubException">A file could not be had or is not what the hub says it is.</exception>
    /// <exception cref="IOException">The disk has no room, another pull is at work there, or the folder holds something that is not a
    /// model.</exception>
    public async Task<PulledModel> PullAsync(
        HubRevision revision,
        string folder,
        IProgress<PullProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var files = ModelFiles.Choose(revision);
        AtomicFolder.Recover(folder);
        CheckReplaceable(folder);
        if (await AreHereAsync(files, folder, cancellationToken).ConfigureAwait(false))
        {
            return new PulledModel(revision.Repository, revision.Commit, folder, files, 0);
        }

        var staging = folder + ".part";
        long downloaded = 0;
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        using (Lock(folder))
        {
            Directory.CreateDirectory(staging);
            CheckRoom(files, staging);
            var (done, total) = (0L, files.Sum(file => file.Size ?? 0));
            foreach (var file in files)
            {
                var before = done;
                if (!await IsHereAsync(file, staging, cancellationToken).ConfigureAwait(false))
                {
                    var download = new HubDownload(_connection, revision, file, staging, here =>
                        progress?.Report(new PullProgress(file.Name, here, file.Size, before + here, total))
                    );
                    await download.RunAsync(cancellationToken).ConfigureAwait(false);
                    downloaded += download.Downloaded;
                }

                var length = new FileInfo(Path.Combine(staging, file.Name)).Length;
                done += length;
                progress?.Report(new PullProgress(file.Name, length, file.Size, done, total));
            }

            foreach (
                var path in Directory
                    .EnumerateFileSystemEntries(staging)
                    .Where(path => !files.Any(file => file.Name == Path.GetFileName(path)))
            )
            {
                File.Delete(path);
            }

            AtomicFolder.Replace(folder, staging);
        }

        return new PulledModel(revision.Repository, revision.Commit, folder, files, downloaded);
    }

    public void Dispose() => _connection.Dispose();

    private static FileStream Lock(string folder)
    {
        try
        {
            return new FileStream(
                folder + ".lock",
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None,
                1,
                FileOptions.DeleteOnClose
            );
        }
        catch (IOException e) when (File.Exists(folder + ".lock"))
        {
            throw new HubException($"Another pull into {folder} is at work. Wait for it, or end it.", e);
        }
    }

    private static void CheckReplaceable(string folder)
    {
        if (
            File.Exists(folder)
            || (
                Directory.Exists(folder)
                && Directory.EnumerateFileSystemEntries(folder).Any()
                && !File.Exists(Path.Combine(folder, "config.json"))
                && !File.Exists(Path.Combine(folder, "adapter_config.json"))
            )
        )
        {
            throw new HubException($"'{folder}' holds something that is not a model, and is left alone. Give a new or empty folder.");
        }
    }

    private static void CheckRoom(IReadOnlyList<HubFile> files, string staging)
    {
        var here = Directory.EnumerateFiles(staging).Sum(path => new FileInfo(path).Length);
        var (needed, free) = (files.Sum(file => (double)(file.Size ?? 0)) - here, new DriveInfo(staging).AvailableFreeSpace);
        if (needed > free)
        {
            throw new HubException($"The files take {needed / 1e9:N1} GB more, but {staging} has room for {free / 1e9:N1} GB.");
        }
    }

    private static async Task<bool> AreHereAsync(IReadOnlyList<HubFile> files, string folder, CancellationToken cancellationToken)
    {
        foreach (var file in files)
        {
            if (!await IsHereAsync(file, folder, cancellationToken).ConfigureAwait(false))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a file is there with the content of the listing. One whose hash is not listed is not known to be.</summary>
    private static async Task<bool> IsHereAsync(HubFile file, string folder, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, file.Name);
        return FileDigest.Of(file) is { } digest
            && new FileInfo(path) is { Exists: true } info
            && (file.Size is null || file.Size == info.Length)
            && await digest.ComputeAsync(path, cancellationToken).ConfigureAwait(false) == digest.Hex;
    }
}
