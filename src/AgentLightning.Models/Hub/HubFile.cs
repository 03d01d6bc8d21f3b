namespace AgentLightning.Models.Hub;

/// <summary>A file of a model on a hub.</summary>
/// <param name="Size">Bytes; null where the hub does not say.</param>
/// <param name="Sha256">64 hex digits, of files in large file storage; null for others.</param>
/// <param name="GitSha1">40 hex digits: the hash that git gives to the content; null where the hub does not say.</param>
public sealed record HubFile(string Name, long? Size, string? Sha256, string? GitSha1);

/// <summary>What a name such as <c>main</c> stands for at the moment.</summary>
/// <param name="Commit">The commit, which never changes: all files are taken from it.</param>
public sealed record HubRevision(string Repository, string Commit, IReadOnlyList<HubFile> Files);

/// <summary>How far a pull is.</summary>
/// <param name="File">The file in work.</param>
/// <param name="FileBytes">Bytes of it that are here, those of an earlier pull too.</param>
/// <param name="Bytes">Bytes of all files that are here.</param>
/// <param name="TotalBytes">Bytes of all files.</param>
public readonly record struct PullProgress(string File, long FileBytes, long? FileSize, long Bytes, long TotalBytes);

/// <summary>A model that lies in a folder, whole and checked.</summary>
/// <param name="DownloadedBytes">What came over the network in this pull.</param>
public sealed record PulledModel(string Repository, string Commit, string Folder, IReadOnlyList<HubFile> Files, long DownloadedBytes);
